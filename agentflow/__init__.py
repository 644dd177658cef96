"""agentflow: narrow jobs, done reliably, priced by outcome. The words a pack author needs."""

from agentflow.flow.check import Problem as Problem
from agentflow.flow.record import Box as Box
from agentflow.flow.record import Document as Document
from agentflow.flow.record import Evidence as Evidence
from agentflow.flow.record import Record as Record
