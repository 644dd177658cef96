"""Waiting: how many of a tenant's jobs wait is counted without looking at the others."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    waiting = sa.text("status = 'queued'")
    op.create_index("job_waiting", "job", ["tenant_id"], sqlite_where=waiting, postgresql_where=waiting)


def downgrade() -> None:
    op.drop_index("job_waiting", "job")
