"""agentflow verify: goes through the verification of a finished job again, from what was kept of it."""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path

import click

from agentflow.cli.results import printable
from agentflow.cli.trace import databases, located, opened
from agentflow.connectors.documents import Documents
from agentflow.engine.models import read_models
from agentflow.jobs.findings import Replay
from agentflow.jobs.packs import PackFolder, load_pack
from agentflow.jobs.replay import replay


@click.command("verify")
@click.argument("job")
@click.argument("pack", required=False)
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run.  [default: the folders in out/]")
@click.option("--db", "--database", "db", metavar="URL", help="Job database.  [default: sqlite file in the out folder]")
@click.option("--documents", metavar="URL", help="Where documents lie.  [default: the folder beside the sqlite file]")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def command(job: str, pack: str | None, out: Path | None, db: str | None, documents: str | None, as_json: bool) -> None:
    """Go through the verification of JOB again and say what differs; PACK is the folder of its pack.

    Every check that needs nothing but the records and their documents is asked again, and where a step promises
    anything its answers are weighed again. No model is asked. The records, the result, the input and the documents are
    held against the hashes that were kept.

    Exit code: 0 the same verdict and the same hashes, 1 something differs, 2 it cannot be gone through.

    \b
    agentflow verify JOB --out out/invoices
    agentflow verify JOB domains/invoices --db postgresql://user@host/jobs --documents out/server/documents
    """
    if not job.strip():
        raise click.UsageError("name the JOB: its id, the start of it, or the file name of its input")
    found = asyncio.run(_replayed(job, databases(out, db), pack, documents))
    click.echo(json.dumps(_as_dict(found), ensure_ascii=False) if as_json else "\n".join(_told(found)))
    raise SystemExit(1 if found.differs else 0)


async def _replayed(wanted: str, urls: list[str], pack: str | None, documents: str | None) -> Replay:
    url, job = await located(wanted, urls)
    folder = _pack(pack, job.pack)
    beside = Path(url.removeprefix("sqlite:///")).parent
    place = documents or (str(beside / "documents") if (beside / "documents").is_dir() else None)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(opened(url))
        blobs = await stack.enter_async_context(Documents.open(present(place), beside)) if place else None
        return await replay(store, job.id, folder.pack, blobs, read_models(folder.models))


def present(place: str) -> str:
    """The place of documents. Raises click.UsageError where it is a folder that is not there."""
    if "://" not in place and not Path(place).is_dir():
        raise click.UsageError(f"there is no folder {place}; name the one that documents lie in")
    return place


def _pack(named: str | None, name: str) -> PackFolder:
    places = [named] if named else [str(place) for place in (Path("domains") / name, Path(name))]
    found = next((place for place in places if named or (Path(place) / "pack.py").is_file()), None)
    if found is None:
        raise click.UsageError(f"name the folder of the pack {name}: agentflow verify JOB PACK")
    return load_pack(found)


def _told(found: Replay) -> list[str]:
    asked = f"{found.checks} checks asked again, {found.weighed} steps weighed again"
    told = [f"job {found.job} ended as {found.outcome}, verdict {found.verdict}: {asked}"]
    told += [f"note: {printable(note)}" for note in found.notes]
    told += [f"differs: {printable(text)}" for text in found.differs]
    return [*told, "something differs" if found.differs else "the same verdict and the same hashes"]


def _as_dict(found: Replay) -> dict[str, object]:
    same = {name: getattr(found, name) for name in ("job", "verification", "outcome", "verdict", "again")}
    counts = {"checks": found.checks, "weighed": found.weighed}
    return {**same, **counts, "differs": found.differs, "notes": found.notes}
