"""What a verification is replayed from, when a job was erased, and the documents that erased jobs have left."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # No batch: rebuilding a table of money would lose the triggers that keep it append-only.
    op.add_column("verification", sa.Column("models", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("verification", sa.Column("definition", sa.String(), nullable=False, server_default=""))
    op.add_column("verification", sa.Column("records_sha256", sa.String(), nullable=True))
    op.add_column("attempt", sa.Column("weighed", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("job", sa.Column("erased_at", sa.DateTime(), nullable=True))
    op.create_table(
        "kept",
        sa.Column("job_id", sa.String(), sa.ForeignKey("job.id"), primary_key=True),
        sa.Column("records", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "erasure",
        sa.Column("sha256", sa.String(), primary_key=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("erasure")
    op.drop_table("kept")
    op.drop_column("job", "erased_at")
    op.drop_column("attempt", "weighed")
    for column in ("records_sha256", "definition", "models"):
        op.drop_column("verification", column)
