"""Alembic's entry: runs the migrations on the connection that agentflow.jobs.migrate hands over."""

from alembic import context

from agentflow.jobs import api_tables, tables
from agentflow.jobs.ledger import statement_tables
from agentflow.jobs.migrate import VERSION_TABLE
from agentflow.jobs.telling import tables as telling_tables

ALL = [api_tables, statement_tables, telling_tables, tables]
"""The modules that declare tables: imported, they are in the metadata."""

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.Table.metadata,
    render_as_batch=True,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
