"""What a user may write, what is refused and how, and the ladders that follow from places."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from fks_actors.errors import ConfigError
from fks_actors.llm.config import OPENAI_URL, LlmConfig, Place, ProviderConfig
from fks_actors.model.debates import Tier
from fks_actors.settings import load

CLOUD = {"model": "m", "place": "cloud"}
LOCAL = {"model": "m", "place": "local", "base_url": "http://127.0.0.1:8080/v1"}
VLLM = {**LOCAL, "place": "vllm"}


def test_config_when_empty_then_nobody_is_asked() -> None:
    assert LlmConfig().ladder(Tier.CRITICAL) == LlmConfig().ladder(Tier.ROUTINE) == ()


def test_ladder_when_none_is_written_then_it_follows_from_the_places() -> None:
    config = LlmConfig.model_validate({"providers": {"tiny": LOCAL, "gpu": VLLM, "big": CLOUD, "big2": CLOUD}})
    assert config.ladder(Tier.CRITICAL) == ("big", "big2", "gpu", "tiny")
    assert config.ladder(Tier.ROUTINE) == ("gpu", "tiny", "big", "big2")


def test_ladder_when_written_then_as_written_and_the_other_tier_by_places() -> None:
    config = LlmConfig.model_validate(
        {"providers": {"tiny": LOCAL, "big": CLOUD}, "ladders": {"critical": ["tiny"], "routine": []}}
    )
    assert (config.ladder(Tier.CRITICAL), config.ladder(Tier.ROUTINE)) == (("tiny",), ())
    assert not config.ends_in_rules(Tier.CRITICAL)
    ruled = LlmConfig.model_validate({"providers": {"tiny": LOCAL}, "ladders": {"critical": ["tiny", "rules"]}})
    assert ruled.ladder(Tier.CRITICAL) == ("tiny",)
    assert ruled.ends_in_rules(Tier.CRITICAL)
    assert ruled.ends_in_rules(Tier.ROUTINE)


@pytest.mark.parametrize(
    ("provider", "told"),
    [
        ({**LOCAL, "base_url": ""}, "say where the server is"),
        ({**LOCAL, "base_url": "127.0.0.1:8080"}, "a server's address reads"),
        ({**LOCAL, "base_url": "ftp://127.0.0.1/v1"}, "a server's address reads"),
        ({**LOCAL, "base_url": "http://127.0.0.1:99999999/v1"}, "a server's address reads"),
        ({**LOCAL, "base_url": "http://me:hunter2@127.0.0.1/v1"}, "a password does not stand in an address"),
        ({**CLOUD, "base_url": "http://api.example.com/v1"}, "by https only"),
        ({**CLOUD, "day_zone": "Mars/Olympus"}, "is no time zone"),
        ({**CLOUD, "day_zone": "../../etc/passwd"}, "is no time zone"),
        ({**CLOUD, "key_env": "sk-123"}, "pattern"),
        ({**CLOUD, "model": ""}, "at least 1 character"),
        ({**CLOUD, "usd_per_million_in": "-1"}, "greater than or equal to 0"),
        ({**CLOUD, "usd_per_million_in": "NaN"}, "finite"),
        ({**CLOUD, "key": "sk-123"}, "Extra inputs"),
    ],
)
def test_provider_when_written_wrong_then_it_is_refused_with_the_reason(provider: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        ProviderConfig.model_validate(provider)


@pytest.mark.parametrize("name", ["Big", "a b", "", "ü", "x" * 25, "a/b"])
def test_config_when_a_provider_has_no_name_then_it_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="is no name"):
        LlmConfig.model_validate({"providers": {name: CLOUD}})


@pytest.mark.parametrize(
    ("rungs", "told"),
    [
        (["gpt"], "'gpt' is no provider; there are: big, rules"),
        (["big", "big"], "twice"),
        (["rules", "big"], "only be the last"),
    ],
)
def test_config_when_a_ladder_is_wrong_then_it_is_refused(rungs: list[str], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        LlmConfig.model_validate({"providers": {"big": CLOUD}, "ladders": {"critical": rungs}})


def test_provider_when_it_has_no_address_then_its_makers() -> None:
    assert ProviderConfig.model_validate(CLOUD).url == OPENAI_URL
    assert ProviderConfig.model_validate({**CLOUD, "kind": "gemini"}).url == ""


def test_load_when_a_file_names_providers_then_prices_are_exact_and_faults_name_their_line(tmp_path: Path) -> None:
    file = tmp_path / "desk.yaml"
    file.write_text(
        "llm:\n  usd_per_agent_per_day: 0.10\n  providers:\n    gpt:\n      model: gpt-4.1-mini\n      place: cloud\n"
        "      key_env: OPENAI_API_KEY\n      usd_per_million_in: 0.4\n      usd_per_million_out: 1.6\n"
        "  ladders:\n    routine: [gpt]\n"
    )
    config = load(file, {}).settings.llm
    gpt = config.providers["gpt"]
    assert (gpt.usd_per_million_in, gpt.place, gpt.is_paid) == (Decimal("0.4"), Place.CLOUD, True)
    assert (config.usd_per_agent_per_day, config.ladder(Tier.ROUTINE)) == (Decimal("0.10"), ("gpt",))
    file.write_text(file.read_text().replace("place: cloud", "place: moon"))
    with pytest.raises(
        ConfigError, match=r"desk\.yaml:6: llm\.providers\.gpt\.place: must be 'cloud', 'vllm' or 'local'"
    ):
        load(file, {})


def test_documentation_when_its_examples_are_loaded_then_each_is_a_configuration(tmp_path: Path) -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "language-models.md"
    examples = re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)
    assert len(examples) == 6
    file, found = tmp_path / "desk.yaml", set[str]()
    for example in examples[:-1]:
        file.write_text(example)
        found |= set(load(file, {}).settings.llm.providers)
    assert found == {"ollama", "llama", "vllm", "gpt", "gemini"}
    named = "".join(f"    {name}: {{place: cloud, model: m}}\n" for name in ("gpt", "vllm"))
    file.write_text(f"{examples[-1]}  providers:\n{named}")
    config = load(file, {}).settings.llm
    assert (config.ladder(Tier.CRITICAL), config.ends_in_rules(Tier.ROUTINE)) == (("gpt", "vllm"), True)
