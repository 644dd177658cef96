"""The ledger: tenants, terms, what is set aside, verified, charged, given back and billed."""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

LOCAL = "local"
APPEND_ONLY = ("verification", "charge", "credit", "transfer", "price_list", "price", "statement", "statement_line")
SQLITE = """CREATE TRIGGER {table}_never_{action}d BEFORE {action} ON {table}
BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"""
POSTGRES_FUNCTION = """CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$"""
POSTGRES = (
    "CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION append_only()",
    "CREATE TRIGGER {table}_never_truncated BEFORE TRUNCATE ON {table} EXECUTE FUNCTION append_only()",
)


def upgrade() -> None:
    op.create_table(
        "price_list",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("pack", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("dispute_days", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("dispute_days >= 0", name="dispute_days_not_negative"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("pack", "digest", name="one_list_a_wording"),
    )
    op.create_table(
        "tenant",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute("INSERT INTO tenant (id, name, created_at) VALUES ('local', 'local', CURRENT_TIMESTAMP)")
    with op.batch_alter_table("job") as batch:
        batch.add_column(sa.Column("tenant_id", sa.String(), nullable=False, server_default=LOCAL))
        batch.add_column(sa.Column("price_list_id", sa.String(), nullable=True))
        batch.drop_constraint("one_job_an_input", type_="unique")
        batch.create_unique_constraint("one_job_an_input", ["tenant_id", "pack", "input_name", "input_sha256"])
        batch.create_unique_constraint("job_of_tenant", ["id", "tenant_id"])
        batch.create_unique_constraint("job_under_terms", ["id", "tenant_id", "price_list_id"])
        batch.create_foreign_key("under_terms", "price_list", ["price_list_id"], ["id"])
        batch.create_foreign_key("of_tenant", "tenant", ["tenant_id"], ["id"])
    op.create_table(
        "outbox",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("sent_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenant.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("topic", "source_id", name="one_event_a_fact"),
    )
    op.create_table(
        "price",
        sa.Column("price_list_id", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.CheckConstraint("amount_minor >= 0", name="price_not_negative"),
        sa.ForeignKeyConstraint(
            ["price_list_id"],
            ["price_list.id"],
        ),
        sa.PrimaryKeyConstraint("price_list_id", "outcome"),
        sa.UniqueConstraint("price_list_id", "outcome", "amount_minor", "currency", name="price_as_charged"),
    )
    op.create_table(
        "spend_account",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("cap_minor", sa.BigInteger(), nullable=True),
        sa.Column("reserved_minor", sa.BigInteger(), nullable=False),
        sa.Column("charged_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("cap_minor IS NULL OR reserved_minor + charged_minor <= cap_minor", name="within_the_cap"),
        sa.CheckConstraint("reserved_minor >= 0 AND charged_minor >= 0", name="account_not_negative"),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenant.id"],
        ),
        sa.PrimaryKeyConstraint("tenant_id", "currency"),
    )
    op.create_table(
        "statement",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenant.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("id", "tenant_id", "currency", name="statement_as_lined"),
        sa.UniqueConstraint("tenant_id", "currency", "number", name="statements_in_order"),
    )
    op.create_table(
        "transfer",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("debit_account", sa.String(), nullable=False),
        sa.Column("credit_account", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("kind IN ('charge','credit')", name="known_transfer"),
        sa.CheckConstraint("amount_minor > 0", name="transfer_above_zero"),
        sa.CheckConstraint("debit_account <> credit_account", name="between_two_accounts"),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenant.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "source_id", name="one_transfer_a_source"),
    )
    op.create_index(op.f("ix_transfer_tenant_id"), "transfer", ["tenant_id"], unique=False)
    op.create_table(
        "reservation",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.Column("ended_as", sa.String(), nullable=True),
        sa.CheckConstraint("ended_as IN ('charged','released')", name="charged_or_released"),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_as IS NULL)", name="ended_somehow"),
        sa.CheckConstraint("amount_minor >= 0", name="reserved_not_negative"),
        sa.ForeignKeyConstraint(["job_id", "tenant_id"], ["job.id", "job.tenant_id"], name="reserved_for_own_job"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "currency"], ["spend_account.tenant_id", "spend_account.currency"], name="reserved_on_account"
        ),
        sa.PrimaryKeyConstraint("job_id"),
    )
    op.create_table(
        "statement_line",
        sa.Column("transfer_id", sa.String(), nullable=False),
        sa.Column("statement_id", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["statement.id"],
        ),
        sa.ForeignKeyConstraint(
            ["transfer_id"],
            ["transfer.id"],
        ),
        sa.PrimaryKeyConstraint("transfer_id"),
    )
    op.create_index(op.f("ix_statement_line_statement_id"), "statement_line", ["statement_id"], unique=False)
    op.create_table(
        "verification",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("fault", sa.String(), nullable=False),
        sa.Column("checks", sa.JSON(), nullable=False),
        sa.Column("sources", sa.JSON(), nullable=False),
        sa.Column("pack_version", sa.String(), nullable=False),
        sa.Column("input_sha256", sa.String(), nullable=False),
        sa.Column("output_sha256", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("fault IN ('none','customer','operator')", name="known_fault"),
        sa.CheckConstraint("verdict IN ('pass','fail')", name="known_verdict"),
        sa.ForeignKeyConstraint(["job_id", "tenant_id"], ["job.id", "job.tenant_id"], name="verifies_own_job"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("id", "job_id", "tenant_id", "outcome", "verdict", name="verification_as_charged"),
    )
    op.create_index(op.f("ix_verification_job_id"), "verification", ["job_id"], unique=False)
    op.create_table(
        "charge",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("price_list_id", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("verification_id", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("verdict = 'pass'", name="only_what_passed"),
        sa.ForeignKeyConstraint(
            ["job_id", "tenant_id", "price_list_id"],
            ["job.id", "job.tenant_id", "job.price_list_id"],
            name="under_the_jobs_own_terms",
        ),
        sa.ForeignKeyConstraint(
            ["price_list_id", "outcome", "amount_minor", "currency"],
            ["price.price_list_id", "price.outcome", "price.amount_minor", "price.currency"],
            name="at_the_listed_price",
        ),
        sa.ForeignKeyConstraint(
            ["verification_id", "job_id", "tenant_id", "outcome", "verdict"],
            [
                "verification.id",
                "verification.job_id",
                "verification.tenant_id",
                "verification.outcome",
                "verification.verdict",
            ],
            name="for_a_verified_outcome",
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("id", "amount_minor", name="charge_as_balanced"),
        sa.UniqueConstraint("id", "tenant_id", "currency", name="charge_as_credited"),
        sa.UniqueConstraint("job_id", name="one_charge_a_job"),
    )
    op.create_table(
        "charge_balance",
        sa.Column("charge_id", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("credited_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("credited_minor BETWEEN 0 AND amount_minor", name="credits_within_the_charge"),
        sa.ForeignKeyConstraint(
            ["charge_id", "amount_minor"], ["charge.id", "charge.amount_minor"], name="of_the_charge"
        ),
        sa.PrimaryKeyConstraint("charge_id"),
    )
    op.create_table(
        "credit",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("charge_id", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("request", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("reason IN ('dispute','sla','goodwill','operator_error')", name="known_reason"),
        sa.CheckConstraint("amount_minor > 0", name="credit_above_zero"),
        sa.ForeignKeyConstraint(
            ["charge_id", "tenant_id", "currency"],
            ["charge.id", "charge.tenant_id", "charge.currency"],
            name="credits_own_charge",
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant_id", "request", name="one_credit_a_request"),
    )
    op.create_table(
        "dispute",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("charge_id", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("decision", sa.String(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint("(state = 'opened') = (decided_at IS NULL)", name="decided_when_closed"),
        sa.CheckConstraint("state IN ('opened','accepted','rejected','withdrawn')", name="known_dispute_state"),
        sa.ForeignKeyConstraint(
            ["charge_id"],
            ["charge.id"],
        ),
        sa.ForeignKeyConstraint(["job_id", "tenant_id"], ["job.id", "job.tenant_id"], name="disputes_own_job"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "one_open_dispute_a_charge",
        "dispute",
        ["charge_id"],
        unique=True,
        sqlite_where=sa.text("state = 'opened'"),
        postgresql_where=sa.text("state = 'opened'"),
    )
    for statement in triggers(op.get_bind().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    for table in (
        "dispute",
        "credit",
        "charge_balance",
        "charge",
        "verification",
        "statement_line",
        "reservation",
        "transfer",
        "statement",
        "spend_account",
        "price",
        "outbox",
    ):
        op.drop_table(table)
    with op.batch_alter_table("job") as batch:
        batch.drop_constraint("of_tenant", type_="foreignkey")
        batch.drop_constraint("under_terms", type_="foreignkey")
        batch.drop_constraint("job_under_terms", type_="unique")
        batch.drop_constraint("job_of_tenant", type_="unique")
        batch.drop_constraint("one_job_an_input", type_="unique")
        batch.create_unique_constraint("one_job_an_input", ["pack", "input_name", "input_sha256"])
        batch.drop_column("price_list_id")
        batch.drop_column("tenant_id")
    op.drop_table("tenant")
    op.drop_table("price_list")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION append_only()")


def triggers(dialect: str) -> Iterator[str]:
    if dialect == "postgresql":
        yield POSTGRES_FUNCTION
        yield from (statement.format(table=table) for table in APPEND_ONLY for statement in POSTGRES)
    else:
        yield from (SQLITE.format(table=t, action=action) for t in APPEND_ONLY for action in ("update", "delete"))
