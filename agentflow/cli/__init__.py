"""The command `agentflow`: a door to everything, each command loaded when it is called."""

import importlib
from typing import Any

import click

COMMANDS = {
    "run": "Run a pack on documents and write what it made of them.",
    "review": "Show and answer the questions that jobs ask a person.",
    "trace": "Show what was tried for a job, and why it ended as it did.",
    "verify": "Go through the verification of a finished job again, and say what differs.",
    "work": "Carry the jobs that wait in a database, on one host or many.",
    "check": "Look for faults in a pack without running it.",
    "exam": "Measure a pack and its models on cases whose right answer is known.",
    "tune": "Choose ladders that keep a promise at least cost, from what an exam found.",
    "slo": "Hold live jobs against what a pack promises; audit them; demote what got worse.",
    "draw": "Draw a pack's workflow as Mermaid or SVG.",
    "bill": "What was charged and why; disputes, credits, statements, proof of the sums.",
    "serve": "Sell packs' jobs over HTTP.",
    "key": "Make, list and revoke the API keys of tenants.",
    "db": "Bring a job database to the newest schema, or erase what is no longer to be kept.",
}


class Lazy(click.Group):
    """Commands by name, imported one at a time: help stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command called `cmd_name`."""
        if cmd_name not in COMMANDS:
            return None
        module: Any = importlib.import_module(f"agentflow.cli.{cmd_name}")
        return module.command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One line a command, from the table."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="agentflow-framework", prog_name="agentflow")
def group() -> None:
    """Narrow jobs, done reliably, priced by outcome.

    Start with: agentflow run domains/invoices
    """


def main() -> None:
    """Runs the command; errors of agentflow's own become one clear line and exit code 2."""
    from agentflow.errors import AgentflowError

    try:
        group()
    except AgentflowError as error:
        click.echo(f"agentflow: {error}", err=True)
        raise SystemExit(2) from None
