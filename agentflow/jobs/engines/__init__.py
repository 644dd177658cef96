"""Engines: what carries accepted jobs to workers; each keeps to the port in `agentflow.jobs.dispatch`."""
