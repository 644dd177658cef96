"""Benchmark of the invoices pack on real documents with gold labels: `python -m tests.benchmarks.invoices`.

Runs `agentflow run domains/invoices` on the documents of a data folder, without any model, then holds what it wrote
against the folder's gold labels with the folder's own score.py, and prints the table of measures and bars.
"""

import argparse
import asyncio
import json
import math
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.memory import Peak, watch
from tests.benchmarks.report import Metric, finish, wilson

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "invoices"
XML_KINDS = ("facturx_pdf", "pdf_with_ubl", "einvoice_xml", "einvoice_xml_invalid")
PAGE_KINDS = ("pdf_stripped", "pdf_plain")
SCAN_KINDS = ("scan_pdf", "scan_render")
LINKS = ("duplicate", "possible_duplicate")
"""The problems that say: these two are one invoice."""
MUST_REVIEW = ("hybrid_mismatch", "einvoice_xml_invalid", "einvoice_xml_mutated")

Gold = Mapping[str, Any]


def main() -> None:
    """Measures and prints; exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with docs/, gold.jsonl, score.py ...")
    parser.add_argument("--quick", action="store_true", help="every fourth document")
    parser.add_argument("--seed", type=int, default=0, help="order of the documents; 0 keeps that of gold.jsonl")
    parser.add_argument("--json", type=Path, help="write the metrics to this file")
    parser.add_argument("--keep", type=Path, help="keep results and predictions in this folder")
    parser.add_argument("--concurrency", type=int, default=4)
    args = parser.parse_args()
    gold = [json.loads(line) for line in (args.data / "gold.jsonl").read_text(encoding="utf-8").splitlines()]
    gold = _chosen(gold, quick=args.quick, seed=args.seed)
    with tempfile.TemporaryDirectory() as scratch:
        home = args.keep or Path(scratch)
        lines, peak = _run(gold, args.data, home / "run", args.concurrency)
        metrics = _measure(gold, lines, args.data, home)
        metrics += _times(gold, args.data)
        _, fewer = _run(gold[::4], args.data, home / "quarter", args.concurrency)
        metrics += _memory(peak, len(gold), fewer)
        finish("invoices", metrics, args.json)


def _chosen(gold: Sequence[Gold], *, quick: bool, seed: int) -> list[Gold]:
    kept = [g for place, g in enumerate(gold) if not quick or place % 4 == 0]
    if seed:
        random.Random(seed).shuffle(kept)
    return kept


def _run(gold: Sequence[Gold], data: Path, home: Path, concurrency: int) -> tuple[dict[str, Any], Peak]:
    """Runs the command on the documents; its result lines by document id, and the memory its processes took."""
    shutil.rmtree(home, ignore_errors=True)
    command = [sys.executable, "-m", "agentflow.cli", "run", str(ROOT / "domains" / "invoices")]
    command += [str(data / g["file"]) for g in gold]
    command += ["--out", str(home), "--connect", f"vendors={data / 'vendors.csv'}", "--concurrency", str(concurrency)]
    with subprocess.Popen([*command, "--json"], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        peak, printed = watch(process)
    print(json.dumps(json.loads(printed), indent=1))
    ids = {str(data / g["file"]): g["id"] for g in gold}
    lines = [json.loads(line) for line in (home / "results.jsonl").read_text(encoding="utf-8").splitlines()]
    return {ids[line["input"]]: line for line in lines}, peak


def _measure(gold: Sequence[Gold], lines: Mapping[str, Any], data: Path, home: Path) -> list[Metric]:
    predictions = home / "predictions.jsonl"
    predictions.write_text("".join(json.dumps(_prediction(i, line)) + "\n" for i, line in lines.items()))
    kept = home / "gold.jsonl"
    kept.write_text("".join(json.dumps(g) + "\n" for g in gold))

    def score(*arguments: str, gold_file: Path = kept, predicted: Path = predictions) -> Any:
        command = [sys.executable, str(data / "score.py"), "--pred", str(predicted), "--gold", str(gold_file)]
        return json.loads(subprocess.run([*command, *arguments, "--json"], check=True, capture_output=True).stdout)

    metrics = [*_fields(score), *_rules(score), *_scans(gold, score)]
    metrics += [*_touchless(gold, lines, score), *_duplicates(gold, lines, data, home)]
    return metrics


def _prediction(name: str, line: Mapping[str, Any]) -> dict[str, Any]:
    output = line["output"] or {}
    broken = [p for p in line["problems"] if p["code"] in ("rule_broken", "rule_exempt")]
    fatal = sorted({p["reference"] for p in broken if p["code"] == "rule_exempt" or p["severity"] == "error"})
    route = "auto" if line["status"] == "delivered" and line["outcome"] != "Rejected" else "review"
    return {"id": name, "fields": output, "lines": output.get("lines", []), "route": route, "fatal": fatal}


def _fields(score: Any) -> list[Metric]:
    xml = score("--task", "invoice", "--kind", ",".join(XML_KINDS))
    page = score("--task", "invoice", "--kind", ",".join(PAGE_KINDS))
    mail = score("--task", "invoice", "--kind", "email")
    return [
        _share("e-invoices: field F1", xml["micro"], "f1", 0.99),
        _plain("e-invoices: line F1", xml["lines"]["f1"], 0.98, n=xml["lines"]["gold"]),
        _share("page-only PDFs: micro F1", page["micro"], "f1", 0.90),
        _share("page-only PDFs: precision of what is answered", page["micro"], "precision", 0.95),
        _share("e-mails: micro F1", mail["micro"], "f1", None),
    ]


def _share(name: str, micro: Any, key: str, bar: float | None) -> Metric:
    return _plain(name, micro[key], bar, n=micro["gold"])


def _plain(name: str, value: float, bar: float | None, *, n: int) -> Metric:
    low, high = wilson(value, n)
    return Metric(name, value, low, high, bar, "at least")


def _rules(score: Any) -> list[Metric]:
    found = score("--rules", "--kind", "einvoice_xml,einvoice_xml_invalid,einvoice_xml_mutated")
    return [
        _plain("EN 16931: right verdict on whole XMLs", found["right_verdict_rate"], 0.98, n=found["n"]),
        _plain("EN 16931: fired rules F1", found["rule_f1"], 0.95, n=found["n"]),
    ]


def _scans(gold: Sequence[Gold], score: Any) -> list[Metric]:
    """Scans against the same pages with text: each scan's twin is the page-only PDF it was made from."""
    twins = {g["twin_of"] for g in gold if g["kind"] in SCAN_KINDS and g.get("twin_of")}
    scans = score("--task", "invoice", "--kind", ",".join(SCAN_KINDS))
    if not twins:
        return []
    chosen = [g for g in gold if g["id"] in twins]
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.write("".join(json.dumps(g) + "\n" for g in chosen))
        file.flush()
        text = score("--task", "invoice", gold_file=Path(file.name))
    gap = text["micro"]["f1"] - scans["micro"]["f1"]
    return [
        _share("scans: micro F1", scans["micro"], "f1", None),
        _share("the same pages with text: micro F1", text["micro"], "f1", None),
        Metric("scans: micro F1 behind the text figure", gap, gap, gap, 0.05, "at most"),
    ]


def _touchless(gold: Sequence[Gold], lines: Mapping[str, Any], score: Any) -> list[Metric]:
    """Of the invoices that may be automated and whose IBAN, where there is one, is valid."""
    may = [g for g in gold if g.get("task", "invoice") == "invoice" and g["kind"] not in MUST_REVIEW]
    may = [g for g in may if (g.get("checks") or {}).get("iban_checksum_ok", True)]
    touchless = [g for g in may if lines[g["id"]]["status"] == "delivered"]
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.write("".join(json.dumps(g) + "\n" for g in may))
        file.flush()
        routing = score("--task", "invoice", gold_file=Path(file.name)).get("routing", {})
    wrong = routing.get("auto_error_rate", 1.0)
    must = [g for g in gold if g["kind"] in MUST_REVIEW]
    posted = [g["id"] for g in must if lines[g["id"]]["status"] == "delivered"]
    if posted:
        print("must be reviewed, was not:", posted)
    return [
        _plain("touchless share", len(touchless) / len(may), 0.50, n=len(may)),
        Metric("wrong among touchless", wrong, *wilson(wrong, len(touchless)), 0.01, "at most"),
        Metric("must be reviewed, posted untouched", len(posted), len(posted), len(posted), 0, "at most"),
    ]


def _duplicates(gold: Sequence[Gold], lines: Mapping[str, Any], data: Path, home: Path) -> list[Metric]:
    """Groups linked by what the jobs said: a Duplicate outcome, or the note that the same was seen before."""
    scope = {g["id"] for g in gold if g["kind"] not in ("einvoice_xml_mutated", "hybrid_mismatch")}
    by_job = {line["job"]: name for name, line in lines.items()}
    relations = json.loads((data / "relations.json").read_text())
    relations["duplicate_groups"] = [[i for i in group if i in scope] for group in relations["duplicate_groups"]]
    parent = {name: name for name in lines}

    def root(name: str) -> str:
        while parent[name] != name:
            name = parent[name]
        return name

    for name, line in lines.items():
        told = [p["reference"] for p in line["problems"] if p["code"] in LINKS]
        for other in filter(None, map(by_job.get, told)):
            parent[root(name)] = root(other)
    groups: dict[str, list[str]] = defaultdict(list)
    for name in scope:
        groups[root(name)].append(name)
    (home / "groups.json").write_text(json.dumps([sorted(g) for g in groups.values() if len(g) > 1]))
    (home / "relations.json").write_text(json.dumps(relations))
    command = [sys.executable, str(data / "score.py"), "--pred", str(home / "groups.json")]
    command += ["--duplicates", str(home / "relations.json")]
    found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    pairs = found["gold_pairs"]
    return [
        _plain("duplicates: pairwise precision", found["precision"], 1.0, n=pairs),
        _plain("duplicates: pairwise recall", found["recall"], 0.95, n=pairs),
        Metric("duplicates: traps taken", found["traps_taken"], None, None, 0, "at most"),
    ]


def _times(gold: Sequence[Gold], data: Path) -> list[Metric]:
    """How long reading takes once warm, milliseconds at the median (e-invoices) and seconds a page (scans)."""
    return asyncio.run(_timed(gold, data))


async def _timed(gold: Sequence[Gold], data: Path) -> list[Metric]:
    from domains.invoices.einvoice import Rules, parse, sniff
    from domains.invoices.reading import Reader

    xmls = [data / g["file"] for g in gold if g["kind"] == "einvoice_xml"][:20]
    pdfs = [data / g["file"] for g in gold if g["kind"] == "facturx_pdf"][:20]
    scans = [data / g["file"] for g in gold if g["kind"] in SCAN_KINDS][:8]
    async with Reader.open(None, data) as reader, Rules.open(None, data) as rules:
        read: list[float] = []
        ruled: list[float] = []
        for path in [*xmls[:2], *xmls, *pdfs]:
            began = time.perf_counter()
            opened = await reader.read(path, path.name)
            if opened.xml is None or opened.syntax is None:
                continue
            parse(opened.xml)
            read.append(1000 * (time.perf_counter() - began))
            await rules.broken(opened.xml, sniff(opened.xml) or opened.syntax)
            ruled.append(1000 * (time.perf_counter() - began))
        pages: list[float] = []
        for path in [*scans[:1], *scans]:
            began = time.perf_counter()
            opened = await reader.read(path, path.name)
            pages.append((time.perf_counter() - began) / max(1, len(opened.layout.pages if opened.layout else [])))
    return [
        _median("ms to read an e-invoice", read[2:], 50),
        _median("ms to read and check it with the rules", ruled[2:], 100),
        _median("seconds a scanned page", pages[1:], 2),
    ]


def _median(name: str, values: Sequence[float], bar: float) -> Metric:
    if not values:
        return Metric(name, math.nan, None, None, bar, "at most")
    ordered = sorted(values)
    spread = ordered[int(0.1 * len(ordered))], ordered[min(len(ordered) - 1, int(0.9 * len(ordered)))]
    return Metric(name, statistics.median(values), *spread, bar, "at most")


def _memory(peak: Peak, documents: int, fewer: Peak) -> list[Metric]:
    return [
        Metric(f"MB of all processes at the peak, {documents} documents", peak.megabytes, None, None, 1500, "at most"),
        Metric("peak over that of a quarter of them", peak.megabytes / fewer.megabytes, None, None, 1.25, "at most"),
    ]


if __name__ == "__main__":
    main()
