"""The API: keys, requests done once, files, events of jobs in order, webhook endpoints and deliveries."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BEFORE = "status IN ('queued','running','awaiting_review','finished','failed')"
AFTER = "status IN ('queued','running','awaiting_review','finished','failed','canceled')"
TABLES = ("delivery", "webhook_endpoint", "file", "idempotency_key", "api_key")


def upgrade() -> None:
    with op.batch_alter_table("job") as batch:
        batch.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("answers", sa.JSON(), nullable=False, server_default="{}"))
        batch.add_column(sa.Column("labels", sa.JSON(), nullable=False, server_default="{}"))
        batch.drop_constraint("known_status", type_="check")
        batch.create_check_constraint("known_status", AFTER)
    with op.batch_alter_table("outbox") as batch:
        batch.add_column(sa.Column("job_id", sa.String(), nullable=True))
        batch.add_column(sa.Column("number", sa.Integer(), nullable=True))
        batch.create_unique_constraint("events_of_a_job_in_order", ["job_id", "number"])
        batch.create_foreign_key("tells_of_own_job", "job", ["job_id", "tenant_id"], ["id", "tenant_id"])
    op.create_index(
        "outbox_unsent",
        "outbox",
        ["created_at"],
        sqlite_where=sa.text("sent_at IS NULL"),
        postgresql_where=sa.text("sent_at IS NULL"),
    )
    op.create_table(
        "api_key",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint("mode IN ('live','test')", name="known_mode"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_api_key_tenant_id"), "api_key", ["tenant_id"])
    op.create_table(
        "idempotency_key",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("body_sha256", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
        sa.PrimaryKeyConstraint("tenant_id", "route", "key"),
    )
    op.create_table(
        "file",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("id", "tenant_id", name="file_of_tenant"),
    )
    op.create_index(op.f("ix_file_tenant_id"), "file", ["tenant_id"])
    op.create_table(
        "webhook_endpoint",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("topics", sa.JSON(), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("old_secret", sa.String(), nullable=True),
        sa.Column("old_until", sa.DateTime(), nullable=True),
        sa.Column("disabled_at", sa.DateTime(), nullable=True),
        sa.Column("disabled_for", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("id", "tenant_id", name="endpoint_of_tenant"),
    )
    op.create_index(op.f("ix_webhook_endpoint_tenant_id"), "webhook_endpoint", ["tenant_id"])
    op.create_table(
        "delivery",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("endpoint_id", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=True),
        sa.Column("tries", sa.JSON(), nullable=False),
        sa.CheckConstraint("state IN ('pending','delivered','failed')", name="known_delivery_state"),
        sa.CheckConstraint("(state = 'pending') = (due_at IS NOT NULL)", name="due_while_pending"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
        sa.ForeignKeyConstraint(["event_id"], ["outbox.id"]),
        sa.ForeignKeyConstraint(
            ["endpoint_id", "tenant_id"],
            ["webhook_endpoint.id", "webhook_endpoint.tenant_id"],
            name="to_own_endpoint",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("event_id", "target", name="one_delivery_a_receiver"),
    )
    op.create_index(op.f("ix_delivery_endpoint_id"), "delivery", ["endpoint_id"])
    op.create_index(
        "delivery_due",
        "delivery",
        ["due_at"],
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    op.drop_index("outbox_unsent", table_name="outbox")
    with op.batch_alter_table("outbox") as batch:
        batch.drop_constraint("tells_of_own_job", type_="foreignkey")
        batch.drop_constraint("events_of_a_job_in_order", type_="unique")
        batch.drop_column("number")
        batch.drop_column("job_id")
    op.execute("UPDATE job SET status = 'failed' WHERE status = 'canceled'")
    with op.batch_alter_table("job") as batch:
        batch.drop_constraint("known_status", type_="check")
        batch.create_check_constraint("known_status", BEFORE)
        batch.drop_column("labels")
        batch.drop_column("answers")
        batch.drop_column("version")
