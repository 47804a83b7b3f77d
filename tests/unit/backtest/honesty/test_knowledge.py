"""What a language model may remember: by the table, by the configuration, or nobody knows."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.backtest.honesty import Knowledge, knowledge
from fks_actors.backtest.honesty.knowledge import Cutoff, cutoff_of, cutoffs
from fks_actors.llm.config import LlmConfig
from fks_actors.settings import Settings
from tests.market import START, batches
from tests.unit.backtest.honesty.scene import past_of

DAY_MS = 86_400_000


def asked(model: str, until: str | None = None) -> Settings:
    provider = {"model": model, "place": "local", "base_url": "http://127.0.0.1:1/v1", "knowledge_until": until}
    return Settings(llm=LlmConfig.model_validate({"providers": {"main": provider}}))


async def known(folder: Path, settings: Settings, start_ms: int = START, count: int = 100) -> Knowledge:
    (found,) = knowledge(settings, await past_of(folder, batches(count, start_ms=start_ms)))
    return found


async def test_knowledge_when_the_span_lies_before_the_cutoff_then_all_of_it_is_flagged(tmp_path: Path) -> None:
    found = await known(tmp_path, asked("gpt-4.1-mini"))
    assert (found.share, found.is_warning) == (1, True)
    assert "gpt-4.1-mini (main) may remember 100.0 % of the traded span" in found.sentence
    assert "2024-06-30 (OpenAI's model pages)" in found.sentence


async def test_knowledge_when_the_cutoff_lies_within_then_the_share_before_it_is_told(tmp_path: Path) -> None:
    start = int(datetime(2024, 6, 30, 23, 0, tzinfo=UTC).timestamp() * 1_000)
    found = await known(tmp_path, asked("gpt-4.1"), start, 240)
    assert found.share == Decimal("0.25")


async def test_knowledge_when_the_span_lies_after_then_nothing_is_claimed_and_nothing_flagged(tmp_path: Path) -> None:
    found = await known(tmp_path, asked("gpt-3.5-turbo-0125"))
    assert (found.share, found.is_warning) == (0, False)
    assert "no more is claimed" in found.sentence


async def test_knowledge_when_the_model_is_unknown_then_it_says_so_and_how_to_tell_it(tmp_path: Path) -> None:
    found = await known(tmp_path, asked("some-model-9"))
    assert (found.cutoff, found.is_warning) == (None, True)
    assert "llm.providers.main.knowledge_until" in found.sentence


@pytest.mark.parametrize(("until", "share"), [("2030-01-01", 1), ("2000-01-01", 0)])
async def test_knowledge_when_the_configuration_says_it_then_the_table_does_not(
    tmp_path: Path, until: str, share: int
) -> None:
    for model in ("gpt-4o", "some-model-9"):
        found = await known(tmp_path, asked(model, until))
        assert (found.share, found.cutoff) == (share, Cutoff(date.fromisoformat(until), "as configured"))


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("gpt-4o", "gpt-4o"),
        ("GPT-4o-2024-08-06", "gpt-4o"),
        ("openai/gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("gpt-4.1-nano", "gpt-4.1-nano"),
        ("openai/gpt-oss-20b:free", "gpt-oss"),
        ("models/gemini-2.5-flash-preview-09-2025", "gemini-2.5-flash"),
        ("claude-3-5-haiku-20241022", "claude-3-5-haiku"),
        ("meta-llama/Llama-3.1-8B-Instruct", "llama-3.1"),
        ("meta-llama/Meta-Llama-3-8B-Instruct", "meta-llama-3-8b"),
        ("gemma-3-27b-it-q4_k_m", "gemma-3"),
        ("gpt-4o-search", None),
        ("gpt-5.1", None),
        ("gpt-5-codex", None),
        ("gpt-4", None),
        ("o3-mini", None),
        ("llama-3.11", None),
        ("SmolLM2-135M-Instruct", None),
        ("mistral-large-latest", None),
    ],
)
def test_cutoff_when_a_server_spells_the_model_its_own_way_then_its_family_counts_and_no_other(
    model: str, family: str | None
) -> None:
    assert cutoff_of(model) == (cutoffs()[family] if family else None)


def test_table_when_read_then_every_family_has_a_day_and_a_source() -> None:
    assert len(cutoffs()) > 20
    for family, cutoff in cutoffs().items():
        assert family == family.lower()
        assert date(2020, 1, 1) < cutoff.until < date(2026, 12, 31)
        assert cutoff.source


@given(st.integers(-3, 6), st.integers(0, 4))
def test_knowledge_when_the_cutoff_moves_on_then_never_less_is_remembered(day: int, more: int) -> None:
    first = datetime.fromtimestamp(START / 1_000, UTC).toordinal()
    shares = [
        knowledge(asked("gpt-4o", date.fromordinal(first + at).isoformat()), PAST)[0].share for at in (day, day + more)
    ]
    assert 0 <= shares[0] <= shares[1] <= 1


def _made():  # type: ignore[no-untyped-def]
    import asyncio
    import tempfile
    from dataclasses import replace

    with tempfile.TemporaryDirectory() as folder:
        past = asyncio.run(past_of(Path(folder), batches(10)))
    spread = past.times[0] + (past.times - past.times[0]) * 600
    return replace(past, times=spread)


PAST = _made()
