"""agentflow: narrow jobs, done reliably, priced by outcome. The words a pack author needs."""

from agentflow.flow.check import Check as Check
from agentflow.flow.check import Problem as Problem
from agentflow.flow.connector import Connector as Connector
from agentflow.flow.model import Image as Image
from agentflow.flow.model import Model as Model
from agentflow.flow.pack import Pack as Pack
from agentflow.flow.pack import Price as Price
from agentflow.flow.policy import EffectKey as EffectKey
from agentflow.flow.policy import Policy as Policy
from agentflow.flow.record import Box as Box
from agentflow.flow.record import Document as Document
from agentflow.flow.record import Evidence as Evidence
from agentflow.flow.record import Record as Record
from agentflow.flow.workflow import Workflow as Workflow
from agentflow.flow.workflow import workflow as workflow
