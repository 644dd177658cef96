"""Alembic's entry: runs the migrations on the connection that agentflow.jobs.migrate hands over."""

from alembic import context

from agentflow.jobs.api_tables import Table
from agentflow.jobs.migrate import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    render_as_batch=True,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
