"""Jobs are found by what they hold: the same content is one job, which is asked each time one is accepted."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("job_by_content", "job", ["tenant_id", "input_sha256"])


def downgrade() -> None:
    op.drop_index("job_by_content", "job")
