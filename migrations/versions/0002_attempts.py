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
        sa.Column("attempt", sa.String(), nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("item", sa.Integer()),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("model", sa.String()),
        sa.Column("prompt", sa.String()),
        sa.Column("fault", sa.String()),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.Column("trust_before", sa.Double()),
        sa.Column("trust_after", sa.Double()),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("made", sa.String()),
        sa.Column("output", sa.JSON(none_as_null=True)),
        sa.Column("tokens_in", sa.Integer(), nullable=False),
        sa.Column("tokens_out", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("cost_micros", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
    )
    op.create_index("ix_attempt_job_id", "attempt", ["job_id"])
    op.add_column("cost_line", sa.Column("attempt", sa.String()))
    op.add_column("cost_line", sa.Column("prompt", sa.String()))


def downgrade() -> None:
    op.drop_column("cost_line", "prompt")
    op.drop_column("cost_line", "attempt")
    op.drop_table("attempt")
