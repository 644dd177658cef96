"""What hostile files, texts and receivers do to the server: nothing."""

import io
import json
import logging
import re
import zipfile
import zlib
from html.parser import HTMLParser
from pathlib import Path

import pytest

from agentflow import Pack, Price, Record, workflow
from agentflow.connectors.blobs import CHUNK
from agentflow.jobs.ids import now
from agentflow.jobs.ledger import giving
from agentflow.jobs.ledger.statements import close
from agentflow.jobs.logs import JsonLines
from agentflow.jobs.telling.addresses import Gate
from agentflow.jobs.telling.courier import Courier
from agentflow.jobs.telling.sending import ENOUGH, Sender
from agentflow.jobs.telling.sinks import CloudEventsSink, JsonlSink
from tests.web.receiver import receiving, status
from tests.web.served import Served, ended, once, order, reading, serving

HERE = Gate(private=True)
LAUGHS = "<!DOCTYPE a [" + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10)) + "]>"
UNSAFE = {
    "billion laughs": f"<?xml version='1.0'?>{LAUGHS}<a>&l9;</a>",
    "outer entity": "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
    "outer DTD": "<!DOCTYPE a SYSTEM 'http://127.0.0.1:9/x.dtd'><a/>",
    "behind a long comment": f"<!--{'x' * 100_000}--><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
    "nested": "<a>" * 200_000 + "</a>" * 200_000,
    "many": "<a>" + "<b/>" * 500_001 + "</a>",
    "includes": "<a xmlns:i='http://www.w3.org/2001/XInclude'><i:include href='file:///etc/passwd'/></a>",
    "odd encoding": "<?xml version='1.0' encoding='utf-7'?><a>+ADwAIQ-</a>",
    "no encoding": "<?xml version='1.0' encoding='x-none'?><a/>",
}


def below(folder: Path) -> list[Path]:
    """All files in a folder."""
    return [path for path in folder.rglob("*") if path.is_file()]


async def send(served: Served, content: bytes, name: str = "a.xml"):
    client = await served.client()
    return await client.post("/v1/files", files={"file": (name, content)}, headers=once(f"k{zlib.crc32(content)}"))


@pytest.mark.parametrize("text", UNSAFE.values(), ids=UNSAFE.keys())
async def test_xml_that_is_not_safe_to_open_is_refused_before_it_is_kept(tmp_path: Path, text: str):
    async with serving(tmp_path, work=False) as served:
        refused = await send(served, text.encode())
        assert (refused.status_code, refused.json()["code"]) == (422, "unsafe-document")
        assert "passwd" not in refused.text
    assert [path for path in below(tmp_path) if "documents" in path.parts] == []


async def test_an_honest_xml_is_taken_in_any_encoding_that_is_known(tmp_path: Path):
    text = "<?xml version='1.0' encoding='{}'?><a>" + "<b>ä</b>" * 20_000 + "</a>"
    async with serving(tmp_path, work=False) as served:
        for name, coded in (("utf-8", "utf-8"), ("iso-8859-1", "latin-1"), ("utf-16", "utf-16")):
            taken = await send(served, text.format(name).encode(coded), name)
            expected = 415 if coded == "latin-1" else 201  # what is no Unicode is no text here
            assert taken.status_code == expected, name


def archive(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name.replace("_", "/"), content)
    return out.getvalue()


def linked() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        made.writestr(link, "/etc/passwd")
    return out.getvalue()


ARCHIVES = {
    "bomb": archive(a=bytes(50_000_000)),
    "upward": archive(**{".._.._etc_passwd": b"x"}),
    "absolute": archive(_etc_passwd=b"x"),
    "case clash": archive(a=b"1", A=b"2"),
    "docx": archive(**{"[Content_Types].xml": b"<Types/>", "word_document.xml": b"<w/>"}),
    "xlsx": archive(**{"[Content_Types].xml": b"<Types/>", "xl_workbook.xml": b"<w/>"}),
    "many": archive(**{str(n): b"" for n in range(20_000)}),
    "symlink": linked(),
    "gzip": b"\x1f\x8b\x08\x00" + zlib.compress(bytes(1_000_000)),
    "overlapping": archive(a=b"x") * 2,
}


@pytest.mark.parametrize("content", ARCHIVES.values(), ids=ARCHIVES.keys())
async def test_no_archive_is_ever_taken_or_opened(tmp_path: Path, content: bytes):
    async with serving(tmp_path / "home", work=False) as served:
        refused = await send(served, content, "../../invoice.pdf")
        assert (refused.status_code, refused.json()["code"]) == (415, "unsupported-media")
    assert [path for path in below(tmp_path) if "documents" in path.parts or path.parent == tmp_path] == []


async def test_a_files_name_is_no_path_and_its_bytes_lie_under_their_hash(tmp_path: Path):
    async with serving(tmp_path / "home", work=False) as served:
        for number, name in enumerate(("../../x", "..\\..\\x", "/etc/x", "CON", "a\x00b", "-rf", "x" * 4096)):
            assert (await send(served, b"%d" % number, name)).status_code == 201
    kept = [path for path in below(tmp_path) if "documents" in path.parts]
    assert len(kept) == 7
    assert all(re.fullmatch("[0-9a-f]{64}", path.name) for path in kept)
    assert {path.relative_to(tmp_path).parts[0] for path in below(tmp_path)} == {"home"}


async def test_the_bill_and_every_page_load_nothing_from_elsewhere_and_show_names_as_text(tmp_path: Path):
    names = [
        "<script>alert(1)</script>",
        "![x](http://evil.example/?q=1)",
        "<img src=//evil.example/x onerror=alert(1)>",
    ]
    async with serving(tmp_path) as served:
        client = await served.client()
        for number, name in enumerate(names):
            await ended(client, order([str(number)], reference=name), str(number))
        async with served.af.store.writing() as session:
            statement = await session.run_sync(close, "acme", "USD", now())
            assert statement is not None
        pages = await html_pages(served, client, statement.id)
    assert len(pages) == 1
    for page in pages:
        assert what_loads(page.text) == []
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "&lt;script&gt;" in page.text


def what_loads(page: str) -> list[str]:
    """What of a page would load, lead or run something."""
    found = re.findall(r"url\(|@import", page)

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.extend([tag] if tag in ("script", "img", "iframe", "link", "object", "form", "base") else [])
            found.extend(name for name, _ in attrs if name in ("src", "href", "action") or name.startswith("on"))

    Parser().feed(page)
    return found


async def html_pages(served: Served, client, statement: str) -> list:
    """Every page for people that the API serves, by the OpenAPI document."""
    found = []
    for path, verbs in served.app.openapi()["paths"].items():
        if "get" in verbs and "text/html" in str(verbs["get"]["responses"]):
            found.append(await client.get(path.format(statement_id=statement)))
    for outside in ("/redoc", "/"):
        assert (await client.get(outside)).status_code == 404
    assert "://" not in json.dumps(served.app.openapi())
    return found


async def test_a_redirect_is_not_followed_and_no_more_than_enough_of_an_answer_is_read():
    async with receiving(status(200)) as inside:
        async with receiving(status(302, f"location: {inside.url}\r\n")) as receiver:
            reply = await Sender(HERE).post(receiver.url, b"{}", {})
        assert (reply.status, reply.taken, len(receiver.got), len(inside.got)) == (302, False, 1, 0)
    endless = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n" + b"x" * (ENOUGH + CHUNK)
    async with receiving(endless) as receiver:
        assert (await Sender(HERE, patience=5.0).post(receiver.url, b"{}", {})).status == 200


class Given(Record):
    text: str


class Made(Record):
    text: str


CANARY = "CANARY-7f3a"


async def breaks(given: Given) -> Made:
    if given.text == "tell":
        return Made(text="fine")
    raise OSError(f"cannot reach postgresql://me:{CANARY}@db/x with {given.text}")


breaking = Pack(
    name="breaking",
    workflow=workflow("breaking", takes=Given, gives=Made).step(breaks).build(),
    prices={Made: Price("0.10")},
)


async def test_a_secret_in_an_input_or_an_exception_is_in_no_log_no_webhook_no_bill_and_no_span(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    caplog.set_level(logging.DEBUG, logger="agentflow")
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")
    home = tmp_path / "home"
    async with receiving() as receiver, serving(home, packs=[breaking, reading], gate=HERE, tell=False) as served:
        client = await served.client()
        hook = {"url": receiver.url}
        assert (await client.post("/v1/webhook-endpoints", json=hook, headers=once("w"))).status_code == 201
        shown = [
            await ended(client, {"pack": "breaking", "input": {"text": CANARY}}, "1"),
            await ended(client, {"pack": "breaking", "input": {"text": "tell"}, "metadata": {"k": CANARY}}, "2"),
        ]
        assert [job["status"] for job in shown] == ["failed", "finished"]
        async with served.af.store.writing() as session:
            charge = await session.run_sync(giving.charge_of, "acme", shown[1]["id"])
            await session.run_sync(giving.credit, charge, 1, "goodwill", "r")
        told = Courier(served.af.store, Sender(HERE), [JsonlSink(home / "bill"), CloudEventsSink(receiver.url)])
        await told.round()
        outside = [await client.get(path) for path in ("/v1/usage", "/v1/ledger/transfers", "/v1/statements/current")]
        outside += [await client.get(f"/v1/jobs/{shown[0]['id']}{part}") for part in ("", "/events", "/result")]
    lines = [JsonLines().format(record) for record in caplog.records]
    assert any('"job failed"' in line and '"OSError below' in line for line in lines)
    assert len(receiver.got) > 3
    spans = capsys.readouterr()
    assert '"invoke_workflow breaking"' in spans.err
    everywhere = [*lines, *(str(sent) for sent in receiver.got), (home / "bill").read_text(), spans.err, spans.out]
    assert [one for one in [*everywhere, *(answer.text for answer in outside)] if CANARY in one] == []
