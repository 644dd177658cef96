"""Prices: what a call costs by its tokens, and what it may cost before it is made."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from agentflow.engine.config import ModelConfig
from agentflow.errors import UnpricedError

MILLION = Decimal(1_000_000)
BYTES_A_TOKEN = 3
"""For the estimate that is set aside before a call: the bytes of UTF-8 hold for scripts without spaces too."""
TOKENS_AN_IMAGE = 1_500


@dataclass(frozen=True)
class Usage:
    """Tokens of one call."""

    read: int
    wrote: int
    cached: int = 0
    """Of those read, what the provider had in its prompt cache."""
    told: Any = None
    """The provider's own account, where it gave one."""


def usage_of(told: Any, otherwise: Usage) -> Usage:
    """Tokens by the provider's account; `otherwise` where it gave none."""
    read, wrote = (int(getattr(told, name, None) or 0) for name in ("prompt_tokens", "completion_tokens"))
    if not read and not wrote:
        return otherwise
    details = getattr(told, "prompt_tokens_details", None)
    return Usage(read, wrote, int(getattr(details, "cached_tokens", None) or 0), told)


def tokens_of(text: str) -> int:
    """About how many tokens a text is, rather too many than too few."""
    return len(text.encode("utf-8", "surrogatepass")) // BYTES_A_TOKEN + 1


def cost_of(client: Any, config: ModelConfig, usage: Usage) -> Decimal:
    """USD; by models.toml where it names prices, else by litellm's map. Raises UnpricedError where neither knows."""
    if config.input_price is not None and config.output_price is not None:
        cached = config.input_price if config.cached_price is None else config.cached_price
        read = config.input_price * (usage.read - usage.cached) + cached * usage.cached
        return (read + config.output_price * usage.wrote) / MILLION
    account = {} if usage.told is None else {"usage_object": usage.told}
    try:
        costs = client.cost_per_token(
            model=config.model, prompt_tokens=usage.read, completion_tokens=usage.wrote, **account
        )
    except Exception as error:  # litellm raises a bare Exception for a model it has no price of
        text = (
            f"{config.model} has no known price; set input_price and output_price (USD a million tokens) in models.toml"
        )
        raise UnpricedError(text) from error
    return sum((Decimal(str(cost)) for cost in costs), Decimal(0))
