"""Places: where servers, workers and keys keep things, one default for all of them."""

from pathlib import Path

import click

OUT = Path("out/server")

out_option = click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=OUT,
    show_default=True,
    help="Folder of the database, the documents and what connectors write; servers, workers and keys need the same.",
)
db_option = click.option("--db", metavar="URL", help="Job database.  [default: sqlite file in the out folder]")
documents_option = click.option(
    "--documents",
    metavar="URL",
    envvar="AGENTFLOW_CONNECT_DOCUMENTS",
    help="Where documents lie: a folder, s3://bucket/path, any URL of fsspec.  [default: documents in the out folder]",
)

log_option = click.option(
    "--log", type=click.Choice(["json", "text"]), default="json", show_default=True, help="Lines on standard error."
)


def database(db: str | None, out: Path) -> str:
    """The job database's URL."""
    return db or f"sqlite:///{out / 'agentflow.db'}"
