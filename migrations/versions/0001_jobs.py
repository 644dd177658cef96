"""Jobs, their effects and what their model calls cost."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "job",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("pack", sa.String(), nullable=False),
        sa.Column("pack_version", sa.String(), nullable=False),
        sa.Column("input_name", sa.String(), nullable=False),
        sa.Column("input_sha256", sa.String(), nullable=False),
        sa.Column("input", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("outcome", sa.String()),
        sa.Column("result", sa.JSON()),
        sa.Column("output", sa.JSON()),
        sa.Column("evidence", sa.JSON()),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.Column("questions", sa.JSON(), nullable=False),
        sa.Column("sources", sa.JSON(), nullable=False),
        sa.Column("price_minor", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("cost_micros", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("finished_at", sa.DateTime()),
        sa.UniqueConstraint("pack", "input_name", "input_sha256", name="one_job_an_input"),
        sa.CheckConstraint("status IN ('queued','running','awaiting_review','finished','failed')", name="known_status"),
        sa.CheckConstraint("(outcome IS NULL) = (status <> 'finished')", name="an_outcome_when_finished"),
        sa.CheckConstraint("price_minor >= 0 AND (status = 'finished' OR price_minor = 0)", name="paid_when_finished"),
        sa.CheckConstraint("cost_micros >= 0", name="cost_not_negative"),
    )
    op.create_table(
        "effect",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("job_id", sa.String(), sa.ForeignKey("job.id"), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("begun_at", sa.DateTime(), nullable=False),
        sa.Column("made", sa.JSON(none_as_null=True)),
        sa.Column("done_at", sa.DateTime()),
    )
    op.create_index("ix_effect_job_id", "effect", ["job_id"])
    op.create_table(
        "cost_line",
        sa.Column("call", sa.String(), primary_key=True),
        sa.Column("job_id", sa.String(), sa.ForeignKey("job.id"), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("tokens_in", sa.Integer(), nullable=False),
        sa.Column("tokens_out", sa.Integer(), nullable=False),
        sa.Column("cost_micros", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("fault", sa.String()),
    )
    op.create_index("ix_cost_line_job_id", "cost_line", ["job_id"])


def downgrade() -> None:
    op.drop_table("cost_line")
    op.drop_table("effect")
    op.drop_table("job")
