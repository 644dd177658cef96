"""Deadlines, review leases and promised times; a job keeps its terms, a statement its tenant and currency."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BEFORE = "status IN ('queued','running','awaiting_review','finished','failed','canceled')"
AFTER = "status IN ('queued','running','awaiting_review','finished','failed','canceled','expired')"
WAITING = sa.text("status = 'awaiting_review'")
OPEN = sa.text("status IN ('queued','running','awaiting_review')")
SQLITE = """CREATE TRIGGER {table}_never_{action}d BEFORE {action} ON {table}
BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"""
APPEND_ONLY = ("price", "transfer", "statement_line")
FILL = "UPDATE statement_line SET {name} = (SELECT {name} FROM transfer WHERE id = transfer_id)"
NAMES = {"fk": "fk_%(table_name)s_%(column_0_name)s"}
"""What SQLite's nameless keys are called while they are dropped."""
LOCK = "ALTER TABLE statement_line {} TRIGGER statement_line_append_only"


def upgrade() -> None:
    with op.batch_alter_table("job") as batch:
        batch.add_column(sa.Column("deadline_at", sa.DateTime(), nullable=True))
        batch.add_column(sa.Column("lease_by", sa.String(), nullable=True))
        batch.add_column(sa.Column("lease_until", sa.DateTime(), nullable=True))
        batch.add_column(sa.Column("lease_number", sa.Integer(), nullable=False, server_default="0"))
        batch.drop_constraint("known_status", type_="check")
        batch.create_check_constraint("known_status", AFTER)
        batch.create_check_constraint("leased_while_it_waits", "lease_until IS NULL OR status = 'awaiting_review'")
        batch.create_check_constraint("leased_to_somebody", "(lease_until IS NULL) = (lease_by IS NULL)")
    op.create_index("job_asking", "job", ["tenant_id", "id"], sqlite_where=WAITING, postgresql_where=WAITING)
    op.create_index("job_due", "job", ["deadline_at"], sqlite_where=OPEN, postgresql_where=OPEN)
    op.add_column("spend_account", sa.Column("warnings", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("price") as batch:
        batch.add_column(sa.Column("within_seconds", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("late_minor", sa.BigInteger(), nullable=True))
        batch.create_check_constraint("promise_is_whole", "(within_seconds IS NULL) = (late_minor IS NULL)")
        batch.create_check_constraint(
            "late_within_the_price", "within_seconds > 0 AND late_minor BETWEEN 1 AND amount_minor"
        )
    _reservations()
    _lines()
    _guard()


def _reservations() -> None:
    op.add_column("reservation", sa.Column("price_list_id", sa.String(), nullable=True))
    op.execute("UPDATE reservation SET price_list_id = (SELECT price_list_id FROM job WHERE job.id = job_id)")
    terms = (["job_id", "tenant_id", "price_list_id"], ["id", "tenant_id", "price_list_id"])
    with op.batch_alter_table("reservation") as batch:
        batch.alter_column("price_list_id", existing_type=sa.String(), nullable=False)
        batch.drop_constraint("reserved_for_own_job", type_="foreignkey")
        batch.create_foreign_key("reserved_under_the_jobs_terms", "job", *terms)


def _lines() -> None:
    """A line names the tenant and the currency that its transfer and its statement share."""
    with op.batch_alter_table("transfer") as batch:
        batch.create_unique_constraint("transfer_as_stated", ["id", "tenant_id", "currency"])
    for name in ("tenant_id", "currency"):
        op.add_column("statement_line", sa.Column(name, sa.String(), nullable=True))
    postgres = op.get_bind().dialect.name == "postgresql"
    if postgres:
        op.execute(LOCK.format("DISABLE"))
    else:
        op.execute("DROP TRIGGER statement_line_never_updated")
    for name in ("tenant_id", "currency"):
        op.execute(FILL.format(name=name))
    if postgres:
        op.execute(LOCK.format("ENABLE"))
        for name in ("statement_line_statement_id_fkey", "statement_line_transfer_id_fkey"):
            op.drop_constraint(name, "statement_line", type_="foreignkey")
    with op.batch_alter_table("statement_line", naming_convention=NAMES) as batch:
        for name in ("tenant_id", "currency"):
            batch.alter_column(name, existing_type=sa.String(), nullable=False)
        for of in ("transfer", "statement"):
            if not postgres:
                batch.drop_constraint(f"fk_statement_line_{of}_id", type_="foreignkey")
            batch.create_foreign_key(
                f"of_own_{of}", of, [f"{of}_id", "tenant_id", "currency"], ["id", "tenant_id", "currency"]
            )


def _guard() -> None:
    """SQLite rebuilds a table to change it, without its triggers."""
    if op.get_bind().dialect.name == "sqlite":
        for table in APPEND_ONLY:
            for action in ("update", "delete"):
                op.execute(SQLITE.format(table=table, action=action))


def downgrade() -> None:
    name = "statement_line_{}_id_fkey" if op.get_bind().dialect.name == "postgresql" else "fk_statement_line_{}_id"
    with op.batch_alter_table("statement_line") as batch:
        for of in ("transfer", "statement"):
            batch.drop_constraint(f"of_own_{of}", type_="foreignkey")
            batch.create_foreign_key(name.format(of), of, [f"{of}_id"], ["id"])
        batch.drop_column("currency")
        batch.drop_column("tenant_id")
    with op.batch_alter_table("transfer") as batch:
        batch.drop_constraint("transfer_as_stated", type_="unique")
    with op.batch_alter_table("reservation") as batch:
        batch.drop_constraint("reserved_under_the_jobs_terms", type_="foreignkey")
        batch.create_foreign_key("reserved_for_own_job", "job", ["job_id", "tenant_id"], ["id", "tenant_id"])
        batch.drop_column("price_list_id")
    with op.batch_alter_table("price") as batch:
        batch.drop_constraint("late_within_the_price", type_="check")
        batch.drop_constraint("promise_is_whole", type_="check")
        batch.drop_column("late_minor")
        batch.drop_column("within_seconds")
    with op.batch_alter_table("spend_account") as batch:
        batch.drop_column("warnings")
    op.execute("UPDATE job SET status = 'canceled', lease_until = NULL, lease_by = NULL WHERE status = 'expired'")
    op.drop_index("job_due", table_name="job")
    op.drop_index("job_asking", table_name="job")
    with op.batch_alter_table("job") as batch:
        batch.drop_constraint("leased_to_somebody", type_="check")
        batch.drop_constraint("leased_while_it_waits", type_="check")
        batch.drop_constraint("known_status", type_="check")
        batch.create_check_constraint("known_status", BEFORE)
        for name in ("lease_number", "lease_until", "lease_by", "deadline_at"):
            batch.drop_column(name)
    _guard()
