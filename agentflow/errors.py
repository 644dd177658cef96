"""Every error agentflow raises, in one tree.

AgentflowError
├── WorkflowError      the steps of a workflow do not fit together
├── PackError          a pack cannot be loaded, or what it declares is not there
├── ConfigError        models.toml, a connector URL or an option is wrong
├── RunError           a job cannot go on
│   ├── LeaseLost          another run of the job has begun: this one may write no more
│   ├── StepLimitError     a job took more steps than its workflow allows
│   ├── BudgetError        the money set aside for a run is used up
│   │   └── CostError          all that a job may ever cost is used up
│   └── DeadlineError      the time set aside for a run is used up
├── ModelError         a model did not answer
│   ├── AnswerError        it answered, but not in the form asked for
│   └── UnpricedError      a model has no known price
├── StoreError         the job database does not answer; what was under way can be tried again
├── LedgerError        money cannot be moved like that
│   ├── CapError           a tenant may not spend more
│   └── DisputeError       a charge cannot be disputed, or not any more
├── RequestError       a tenant asks for what cannot be
├── ConnectorError     a connector cannot reach or read what it is connected to
└── WorkerError        a child process did not finish its call
    ├── WorkerTimeout      it ran past its time limit
    └── WorkerDied         it ended, ran out of memory or was killed
"""


class AgentflowError(Exception):
    """Anything agentflow raises on purpose; its text names the thing, what is wrong and how to mend it."""


class WorkflowError(AgentflowError):
    """The steps of a workflow do not fit together."""


class PackError(AgentflowError):
    """A pack cannot be loaded, or what it declares is not there."""


class ConfigError(AgentflowError):
    """A setting (models.toml, a connector URL, an option) is wrong."""


class RunError(AgentflowError):
    """A job cannot go on."""


class LeaseLost(RunError):
    """Another run of the job has begun since: what this one writes is refused."""


class StepLimitError(RunError):
    """A job took more steps than its workflow allows."""


class BudgetError(RunError):
    """The money set aside for a run is used up."""


class CostError(BudgetError):
    """A job needs more than it may cost at the very most: nobody goes on with it."""


class DeadlineError(RunError):
    """The time set aside for a run is used up, or the next call would take longer than what is left."""


class ModelError(AgentflowError):
    """A model did not answer.

    `status` is the HTTP state that it failed with, where it was sent to; `retry_after` the seconds after which it may
    answer again, where that is known.
    """

    def __init__(self, message: str = "", *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class AnswerError(ModelError):
    """A model's answer is not of the form asked for.

    `code` says why: `refused`, `content_filter`, `truncated`, `empty`, `not_json`, `wrong_form`, `too_many_calls`.
    """

    def __init__(self, message: str = "", *, code: str = "wrong_form") -> None:
        super().__init__(message)
        self.code = code


class UnpricedError(ModelError):
    """A model has no known price, neither in litellm's map nor in models.toml."""


class StoreError(AgentflowError):
    """The job database does not answer, or broke off in mid-write: nothing of it is stored, try again."""


class LedgerError(AgentflowError):
    """Money cannot be moved like that."""


class CapError(LedgerError):
    """A tenant may not spend more."""


class DisputeError(LedgerError):
    """A charge cannot be disputed, or not any more.

    `code` says why: `not-charged`, `dispute-window-closed`, `dispute-open`, `dispute-closed`.
    """

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class RequestError(AgentflowError):
    """A tenant asks for what cannot be.

    `code` says why, as the HTTP API does: `not-found`, `not-ready`, `job-terminal`, `stale-version`, `price-changed`,
    `idempotency-key-reused`, `unsupported-media`, `unsafe-document`, `unsafe-url`, `invalid`.
    """

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class ConnectorError(AgentflowError):
    """A connector cannot reach or read what it is connected to."""


class WorkerError(AgentflowError):
    """A child process did not finish its call."""


class WorkerTimeout(WorkerError):
    """A child process ran past its time limit and was ended."""


class WorkerDied(WorkerError):
    """A child process ended, ran out of memory or was killed in the middle of a call."""
