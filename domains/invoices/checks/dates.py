"""Dates: their order, and whether they can be meant."""

from datetime import date, timedelta

from agentflow import Problem
from domains.invoices.records import Invoice

AHEAD = timedelta(days=31)
"""How far an invoice may be dated ahead."""
PAST = timedelta(days=20 * 365)
"""How old an invoice may be."""
CREDIT = timedelta(days=400)
"""A term of payment longer than this is noted."""


def dates_in_order(invoice: Invoice, *, today: date | None = None) -> list[Problem]:
    """Due not before issue; no date far ahead of `today`, none that is older than a misread year."""
    # The day of the office: a date on an invoice has no time zone.
    now = today or date.today()  # noqa: DTZ011
    return [*_issued(invoice.issue_date, now), *_due(invoice)]


def _issued(issued: date | None, now: date) -> list[Problem]:
    if issued and issued > now + AHEAD:
        return [_problem("date_in_future", "issue_date", f"The issue date {issued} lies ahead (today is {now}).")]
    if issued and issued < now - PAST:
        return [_problem("date_too_old", "issue_date", f"The issue date {issued} is more than 20 years ago.")]
    return []


def _due(invoice: Invoice) -> list[Problem]:
    issued, due = invoice.issue_date, invoice.due_date
    if issued and due and due < issued:
        return [_problem("due_before_issue", "due_date", f"The due date {due} lies before the issue date {issued}.")]
    if issued and due and due > issued + CREDIT:
        message = f"The due date {due} lies {(due - issued).days} days after the issue date {issued}."
        return [Problem(code="due_far_off", path="due_date", message=message, severity="note")]
    return []


def _problem(code: str, path: str, message: str) -> Problem:
    return Problem(code=code, path=path, message=message)
