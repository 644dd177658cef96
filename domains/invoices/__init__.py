"""Invoices in, entries in the books out, nothing silently wrong."""
