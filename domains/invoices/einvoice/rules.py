"""The connector `rules`: what an e-invoice breaks of EN 16931, in problems."""

import re
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from agentflow import Problem, WorkerError, Workers
from domains.invoices.einvoice import zugferd1
from domains.invoices.einvoice.schematron import Fired
from domains.invoices.einvoice.tree import Syntax

_TARGET = "domains.invoices.einvoice.schematron:fired"
_SECONDS = 30.0
_TERM = re.compile(r"\((B[TG]-\d+)\)")
_FIELDS = {
    "BT-1": "invoice_number",
    "BT-2": "issue_date",
    "BT-3": "type_code",
    "BT-5": "currency",
    "BT-9": "due_date",
    "BT-13": "po_number",
    "BT-20": "payment_terms",
    "BT-27": "supplier_name",
    "BT-31": "supplier_vat_id",
    "BT-44": "buyer_name",
    "BT-48": "buyer_vat_id",
    "BT-84": "iban",
    "BT-86": "bic",
    "BT-106": "lines",
    "BT-109": "net_total",
    "BT-110": "tax_total",
    "BT-112": "gross_total",
    "BT-113": "prepaid",
    "BT-114": "rounding",
    "BT-115": "amount_due",
    "BT-116": "taxes",
    "BT-117": "taxes",
    "BT-118": "taxes",
    "BT-119": "taxes",
    "BG-5": "supplier_address",
    "BG-8": "buyer_address",
    "BG-23": "taxes",
    "BG-25": "lines",
}
"""The field of the record that a business term (BT) or group (BG) of EN 16931 is."""


class Rules:
    """The rules of EN 16931, official for UBL and CII, our own few for ZUGFeRD 1, which has no official ones."""

    name = "rules"

    def __init__(self, workers: Workers) -> None:
        self._workers = workers

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str | None, home: Path) -> AsyncGenerator["Rules", None]:
        """The rules in a child process; it starts, and compiles them, with the first call."""
        async with Workers(_TARGET, seconds=_SECONDS) as workers:
            yield cls(workers)

    async def broken(self, xml: bytes, syntax: Syntax, *, hybrid: bool = False) -> list[Problem]:
        """A problem a broken rule: code `rule_broken`, reference the rule's id, an error where the rule is fatal.

        Of a `hybrid`, an XML inside the PDF that is the invoice, a rule that its profile does not promise is a note
        `rule_exempt`.
        A document that cannot be checked in time is one problem `rules_unchecked`. Raises XmlError as `parse` does.
        """
        if syntax == "zugferd1":
            return problems(zugferd1.fired(xml))
        try:
            return problems(await self._workers.call(xml, syntax, hybrid))
        except WorkerError as error:
            return [Problem(code="rules_unchecked", message=f"EN 16931 could not be checked ({error}). Check by hand.")]


_MEND = {
    "fatal": "Ask the supplier for a corrected invoice.",
    "warning": "Ask the supplier for a corrected invoice.",
    "exempt": "The profile that the file declares does not promise it.",
}


def problems(hits: list[Fired]) -> list[Problem]:
    """One problem a rule, in the order of the report, with the number of places where it is broken."""
    places = Counter(rule for rule, _, _ in hits)
    first = {rule: (flag, text) for rule, flag, text in reversed(hits)}
    return [
        Problem(
            code="rule_exempt" if flag == "exempt" else "rule_broken",
            message=f"{rule}: {text.rstrip('. ')}{_times(times)}. {_MEND[flag]}",
            path=_field(text),
            severity="error" if flag == "fatal" else "note",
            reference=rule,
        )
        for rule, times in places.items()
        for flag, text in [first[rule]]
    ]


def _times(times: int) -> str:
    return f" (in {times} places)" if times > 1 else ""


def _field(text: str) -> str:
    """The field a rule is about: the first business term in its text that the record has."""
    return next((_FIELDS[term] for term in _TERM.findall(text) if term in _FIELDS), "")
