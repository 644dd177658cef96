"""faulty.toml is read strictly, and tells models.toml how to reach its models."""

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from agentflow.engine.models import read_models
from agentflow.errors import ConfigError
from agentflow.testing import Faulty, FaultyModel, Price, models_toml, read_faulty

TEXT = """
seed = 3
truth = "truth.jsonl"

[models.small]
price = { input = "0.10", output = "0.40" }
error = 0.08
split = [0.6, 0.3, 0.1]
wire = { rate_limited = 0.02, cut = 0.01 }
faults = { refusal = 0.01, fence = 0.2 }
confidence = { auc = 0.9, field = "confidence" }
episodes = [{ kind = "down", requests = [10, 20] }]

[models.big]
price = { call = "0.002" }
error = 0.03
follows = { small = 0.1 }
latency = { median = 0.8, stragglers = 0.01 }
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "faulty.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_faulty_toml_is_read_as_it_is_written(tmp_path: Path):
    faulty = read_faulty(write(tmp_path, TEXT))
    assert faulty.truth == str(tmp_path / "truth.jsonl")
    assert faulty.models["small"].wire.shares == {"rate_limited": 0.02, "cut": 0.01}
    assert faulty.models["big"].price.call == Decimal("0.002")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed = ", "cannot be read as TOML"),
        ("[models.a]\nerorr = 0.1", "models.a.erorr: Extra inputs are not permitted"),
        ("[models.a]\nerror = 2", "models.a.error: Input should be less than or equal to 1"),
        ("[models.a]\nsplit = [0.5, 0.3, 0.1]", "must add up to 1"),
        ("[models.a]\nwire = { cut = 0.7, empty = 0.5 }", "the shares of cut, empty add up to more than 1"),
        ("[models.a]\nfollows = { b = 0.5 }\n[models.b]", "a follows b, but can follow only a model listed before it"),
        ("[models.a]\nepisodes = [{ kind = 'down' }]", "needs either requests"),
    ],
)
def test_what_is_wrong_in_it_is_named(tmp_path: Path, text: str, message: str):
    with pytest.raises(ConfigError, match=message):
        read_faulty(write(tmp_path, text))


def test_models_toml_names_prices_as_the_engine_reads_them(tmp_path: Path):
    models = {"small": FaultyModel(price=Price(input=Decimal("0.1"), output=Decimal("0.4"))), "free": FaultyModel()}
    path = tmp_path / "models.toml"
    path.write_text(models_toml(Faulty(models=models), "http://127.0.0.1:1/v1"), encoding="utf-8")
    roles = read_models(path)
    assert (roles["small"].model, roles["small"].api_base) == ("openai/small", "http://127.0.0.1:1/v1")
    assert (roles["small"].input_price, roles["small"].output_price) == (Decimal("0.1"), Decimal("0.4"))
    assert roles["free"].output_price == 0


def test_a_price_a_call_is_the_price_of_the_one_token_that_is_counted():
    faulty = Faulty(models={"flat": FaultyModel(price=Price(call=Decimal("0.002")))})
    table = tomllib.loads(models_toml(faulty, "http://x"))["flat"]
    assert Decimal(table["output_price"]) / 1_000_000 * table["max_tokens"] == Decimal("0.002")
    assert Decimal(table["input_price"]) == 0
