"""Telling others what happens: events of jobs, tenants' webhooks, and the operator's billing systems."""
