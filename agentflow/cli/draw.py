"""agentflow draw: a pack's workflow as a picture."""

from pathlib import Path

import click

from agentflow.flow.drawing import mermaid
from agentflow.flow.picture import svg
from agentflow.jobs.packs import load_pack


@click.command("draw")
@click.argument("pack")
@click.option("--svg", "picture", type=click.Path(path_type=Path), metavar="FILE", help="Write an SVG picture instead.")
def command(pack: str, picture: Path | None) -> None:
    """Draw PACK's workflow: steps, the records between them, outcomes with their prices.

    Prints Mermaid text, which Markdown pages show as a picture.
    """
    drawn = load_pack(pack).pack
    if picture is None:
        click.echo(mermaid(drawn), nl=False)
        return
    try:
        picture.write_text(svg(drawn), encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"{picture} cannot be written: {error.strerror}") from None
    click.echo(f"drawn: {picture}")
