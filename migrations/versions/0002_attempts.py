"""The attempts at each step, for a job's trace."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "attempt",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("job_id", sa.String(), sa.ForeignKey("job.id"), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("item", sa.Integer()),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("fault", sa.String()),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.Column("trust_before", sa.Double()),
        sa.Column("trust_after", sa.Double()),
        sa.Column("output", sa.JSON(none_as_null=True)),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("cost_micros", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
    )
    op.create_index("ix_attempt_job_id", "attempt", ["job_id"])


def downgrade() -> None:
    op.drop_table("attempt")
