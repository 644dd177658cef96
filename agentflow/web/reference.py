"""The OpenAPI document as one page for people: every operation and body, from nowhere else than this server."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

STYLE = """html{color:#111;background:#fff}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}
code{font:13px/1.4 ui-monospace,monospace}h3{margin:2rem 0 .3rem}h3 code{font-size:15px}
table{border-collapse:collapse;width:100%}
td{vertical-align:top;padding:.2rem .6rem .2rem 0;border-bottom:1px solid #ddd}
td:first-child{white-space:nowrap}nav{columns:18rem}nav a{display:block}p{white-space:pre-line}"""
PAGE = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
"""Headers of a page that has its style in itself and nothing else."""

Part = Mapping[str, Any]


def page(document: Part) -> str:
    """The page."""
    found = [(verb, path, one) for path, verbs in document["paths"].items() for verb, one in verbs.items()]
    schemas: Part = document["components"]["schemas"]
    title = escape(f"{document['info']['title']} {document['info']['version']}")
    links = "".join(f'<a href="#{_place(v, p)}"><code>{v.upper()} {escape(p)}</code></a>' for v, p, _ in found)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
        f"<h1>{title}</h1><p>{escape(document['info'].get('description', ''))}</p>"
        f'<p>As a document: <a href="/openapi.json"><code>/openapi.json</code></a></p><nav>{links}</nav>'
        f"<h2>Operations</h2>{''.join(_operation(*one) for one in found)}"
        f"<h2>Bodies</h2>{''.join(_schema(name, one) for name, one in sorted(schemas.items()))}</html>\n"
    )


def _operation(verb: str, path: str, told: Part) -> str:
    rows = [(f"{p['in']} {p['name']}", p.get("description", "")) for p in told.get("parameters", ())]
    rows += [("body", shape) for shape in _shapes(told.get("requestBody", {}))]
    for status, answer in told["responses"].items():
        rows.append((status, " ".join([answer.get("description", ""), *_shapes(answer)])))
    head = f'<h3 id="{_place(verb, path)}"><code>{verb.upper()} {escape(path)}</code></h3>'
    return f"{head}<p>{escape(told.get('description', ''))}</p>{_table(rows)}"


def _schema(name: str, told: Part) -> str:
    fields: Part = told.get("properties", {})
    needed = told.get("required", ())
    rows = [(field, f"{_kind(one)}{'' if field in needed else ', optional'}") for field, one in fields.items()]
    return (
        f'<h3 id="{escape(name)}"><code>{escape(name)}</code></h3><p>{escape(told.get("description", ""))}</p>'
        f"{_table(rows)}"
    )


def _shapes(told: Part) -> Iterator[str]:
    for media, content in told.get("content", {}).items():
        yield f"{media}: {_kind(content.get('schema', {}))}"


def _kind(told: Part) -> str:
    """What a value is, in a word or a few."""
    if "$ref" in told:
        return str(told["$ref"]).rpartition("/")[2]
    if any_of := told.get("anyOf"):
        return " or ".join(map(_kind, any_of))
    if told.get("type") == "array":
        return f"list of {_kind(told.get('items', {}))}"
    if choices := told.get("enum"):
        return " | ".join(map(str, choices))
    return str(told.get("const", told.get("format", told.get("type", "anything"))))


def _table(rows: list[tuple[str, str]]) -> str:
    told = "".join(f"<tr><td><code>{escape(name)}</code></td><td>{escape(text)}</td></tr>" for name, text in rows)
    return f"<table>{told}</table>" if rows else ""


def _place(verb: str, path: str) -> str:
    return escape(f"{verb}{path}")
