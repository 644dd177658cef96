"""litellm's calls are answered in this process, with its errors' names and states."""

import json
from decimal import Decimal

import pytest

from agentflow.testing import Completions, Episode, Faulty, FaultyModel, Price, Provider, WireError, by_marker

MESSAGES = [{"role": "user", "content": "[case:7] ?"}]


def completions(**spec) -> Completions:
    faulty = Faulty(models={"small": FaultyModel(**spec)})
    return Completions(Provider(faulty, by_marker(lambda case: {"value": int(case)})))


async def test_a_completion_has_the_attributes_of_litellms():
    whole = await completions().acompletion(model="openai/small", messages=MESSAGES, temperature=0)
    assert json.loads(whole.choices[0].message.content) == {"value": 7}
    assert whole.choices[0].finish_reason == "stop"
    assert whole.usage.prompt_tokens + whole.usage.completion_tokens == whole.usage.total_tokens


@pytest.mark.parametrize(
    ("episode", "name", "status"),
    [
        (Episode(requests=(0, 9), status=429), "RateLimitError", 429),
        (Episode(requests=(0, 9)), "ServiceUnavailableError", 503),
        (Episode(requests=(0, 9), status=529), "APIError", 529),
        (Episode(requests=(0, 9), kind="unreachable"), "InternalServerError", 500),
    ],
)
async def test_a_failure_is_an_error_with_litellms_name_and_state(episode, name, status):
    with pytest.raises(WireError) as caught:
        await completions(episodes=[episode], retry_after=7).acompletion(model="openai/small", messages=MESSAGES)
    assert (type(caught.value).__name__, caught.value.status_code) == (name, status)
    assert caught.value.litellm_response_headers.get("retry-after") == ("7" if status == 429 else None)


async def test_a_model_that_is_not_there_is_not_found():
    with pytest.raises(WireError, match="no model big") as caught:
        await completions().acompletion(model="openai/big", messages=MESSAGES)
    assert caught.value.status_code == 404


@pytest.mark.parametrize(
    ("price", "costs"),
    [
        (Price(input=Decimal(1), output=Decimal(2)), (Decimal("0.001"), Decimal("0.004"))),
        (Price(call=Decimal("0.5")), (Decimal(0), Decimal("0.5"))),
    ],
)
def test_a_completion_costs_what_faulty_toml_says(price, costs):
    wrote = 1 if price.call else 2000
    assert completions(price=price).cost_per_token("openai/small", 1000, wrote) == costs
