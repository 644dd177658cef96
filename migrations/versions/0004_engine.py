"""The fence of a job, by which a run that was taken over is kept from writing, and the workers' signs of life."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

LEASE_LOST = "AF001"
ASSERT_FENCE = f"""CREATE FUNCTION assert_fence(held text, under integer) RETURNS void LANGUAGE plpgsql AS
$$ BEGIN
  PERFORM 1 FROM job WHERE id = held AND fence = under FOR SHARE;
  IF NOT FOUND THEN RAISE EXCEPTION 'job % was taken over by another run', held USING ERRCODE = '{LEASE_LOST}'; END IF;
END $$"""


def upgrade() -> None:
    op.add_column("job", sa.Column("fence", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "worker",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("beat_at", sa.DateTime(), nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(ASSERT_FENCE)


def downgrade() -> None:
    op.drop_table("worker")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION assert_fence(text, integer)")
    with op.batch_alter_table("job") as batch:
        batch.drop_column("fence")
