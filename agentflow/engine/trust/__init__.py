"""Trust: which of a step's answers may leave it, decided from the evidence alone."""

from agentflow.engine.trust.verdict import Accepted as Accepted
from agentflow.engine.trust.verdict import Attempt as Attempt
from agentflow.engine.trust.verdict import Doubted as Doubted
from agentflow.engine.trust.verdict import Verdict as Verdict
