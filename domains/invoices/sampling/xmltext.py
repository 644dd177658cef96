"""XML as nested values, written out indented and always the same."""

from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr


@dataclass(frozen=True)
class Element:
    """A tag with either text or children."""

    tag: str
    text: str = ""
    children: "tuple[Element, ...]" = ()
    attributes: dict[str, str] = field(default_factory=dict[str, str])


def el(tag: str, *content: "str | Element | None", **attributes: str) -> Element | None:
    """An element; None where it would be empty, so that absent values leave no trace."""
    children = tuple(c for c in content if isinstance(c, Element))
    text = "".join(c for c in content if isinstance(c, str))
    return Element(tag, text, children, attributes) if children or text else None


def document(root: Element | None, namespaces: dict[str, str]) -> bytes:
    """The whole file; `namespaces` by prefix, the empty prefix for the default one. Raises ValueError if empty."""
    if root is None:
        raise ValueError("an XML file needs a root with content")
    spaces = {f"xmlns:{prefix}" if prefix else "xmlns": uri for prefix, uri in namespaces.items()}
    head = Element(root.tag, root.text, root.children, {**spaces, **root.attributes})
    return ('<?xml version="1.0" encoding="UTF-8"?>\n' + "\n".join(_lines(head, "")) + "\n").encode()


def _lines(element: Element, indent: str) -> list[str]:
    attributes = "".join(f" {name}={quoteattr(value)}" for name, value in element.attributes.items())
    if not element.children:
        return [f"{indent}<{element.tag}{attributes}>{escape(element.text)}</{element.tag}>"]
    inside = [line for child in element.children for line in _lines(child, indent + "  ")]
    return [f"{indent}<{element.tag}{attributes}>", *inside, f"{indent}</{element.tag}>"]
