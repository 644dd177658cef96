"""models.toml: which model each role of a ladder is, what it costs and how it is asked."""

import os
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from agentflow.errors import ConfigError

Form = Literal["schema", "tool", "json", "text"]
"""How an answer's form is asked for: by JSON Schema, as a tool to call, as any JSON object, or in words alone."""


BATCHED = ("openai", "azure", "hosted_vllm", "litellm_proxy")
"""Providers that take batches in OpenAI's form, as litellm names them."""


class ModelConfig(BaseModel):
    """What models.toml says of one role: `[small]`, `[frontier]` ..."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    """As litellm names it: `openai/gpt-5-mini`, `ollama/qwen3`, `openai/anything` with an `api_base`."""
    api_base: str | None = None
    api_key_env: str | None = None
    """The environment variable that holds the key; litellm's own for the provider where it is not said."""
    input_price: Decimal | None = None
    """USD for a million tokens; litellm's price map where it is not said."""
    output_price: Decimal | None = None
    cached_price: Decimal | None = None
    """USD for a million tokens that the provider reads from its prompt cache; `input_price` where it is not said."""
    vision: bool = False
    structured: Form | None = None
    """How the form of the answer is asked for; what litellm knows of the model where it is not said."""
    temperature: float = 0.0
    max_tokens: int = Field(4_096, ge=1)
    timeout: float = Field(120.0, gt=0)
    """Seconds."""
    stream: bool = False
    """The answer is taken piece by piece: one that stalls is given up on and asked for again, long before `timeout`.
    Of a refusal litellm hands on nothing in a stream: it counts as an `empty` answer."""
    stall: float = Field(30.0, gt=0)
    """Seconds without a piece of a stream, the first one too; models that think unseen for longer need more."""
    batch: bool = False
    """Questions of jobs that run at the same time go as one batch of the provider's, answered within hours at a lower
    price. A batch that fails is asked at once; one that was under way when the process was killed is lost."""
    batch_price: Decimal = Field(Decimal("0.5"), ge=0, le=1)
    """Share of the price that a question in a batch costs."""
    batch_within: float = Field(86_400.0, gt=0)
    """Seconds that a batch may take; where a job has less time left, the question is asked at once."""
    batch_window: float = Field(2.0, ge=0)
    """Seconds for which questions are gathered."""
    batch_poll: float = Field(15.0, gt=0)
    """Seconds until a batch is first looked at; later, more seldom."""
    tries: int = Field(3, ge=1)
    """Calls made while the provider is busy or does not answer."""

    @model_validator(mode="after")
    def _has_batches(self) -> Self:
        if self.batch and self.model.partition("/")[0] not in BATCHED:
            raise ValueError(f"batch = true is for {', '.join(BATCHED)}; {self.model} is asked at once")
        return self

    @property
    def key(self) -> str | None:
        """The key to call with; None where it is left to litellm. Raises ConfigError where the variable is not set."""
        if self.api_key_env is None:
            return "none" if self.api_base else None
        if key := os.environ.get(self.api_key_env):
            return key
        raise ConfigError(f"{self.model}: the environment variable {self.api_key_env} is not set")


def read_models(path: Path | None) -> dict[str, ModelConfig]:
    """The roles of a models.toml by name; none where `path` is None. Raises ConfigError where it is wrong."""
    if path is None:
        return {}
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as TOML: {error}") from error
    return {role: _config(path, role, table) for role, table in tables.items()}


def _config(path: Path, role: str, table: Any) -> ModelConfig:
    try:
        return ModelConfig.model_validate(table)
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'table'}: {e['msg']}" for e in error.errors())
        raise ConfigError(f"{path}, [{role}]: {found}") from error
