"""When every mind has a vote, and what was traded before."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fks_actors.backtest.honesty import bars_needed, warm_up, warmed
from fks_actors.backtest.run import run_past
from fks_actors.desk.crafts import bar_mind
from fks_actors.desk.mind import BarMind
from fks_actors.errors import DataError
from tests.market import MINUTE, START, batches
from tests.unit.backtest.honesty.scene import alone, mind, past_of, told

MINDS = ("short_term", "mid_term", "asmbtr")


async def test_warm_up_when_no_bars_are_given_before_then_it_says_from_when_on_all_voted(tmp_path: Path) -> None:
    past, council = await past_of(tmp_path), told(*MINDS)
    needed = bars_needed(council, MINUTE)
    found = warm_up(past, await run_past(council, past))
    assert found.needed is not None
    assert 0 < needed <= found.needed
    assert (found.given, found.lost, found.first_ms) == (0, found.needed - 1, START + found.lost * MINUTE)
    assert found.is_warning
    assert f"after {found.needed} bars, of which 0 were given" in found.sentence


async def test_warmed_when_the_past_begins_at_once_then_every_mind_votes_at_its_first_bar_and_none_trades_before(
    tmp_path: Path,
) -> None:
    council = told("short_term", "mid_term")
    past = await past_of(tmp_path)
    needed = bars_needed(council, MINUTE)
    moved = warmed(past, needed)
    result = await run_past(council, moved)
    found = warm_up(moved, result)
    assert (found.lost, found.early, found.is_warning, found.given) == (0, 0, False, needed - 1)
    assert moved.begin == needed - 1
    assert all(fill.ts_ms > moved.first_ms for fill in result.fills)
    short = warmed(past, needed - 1)
    assert warm_up(short, await run_past(council, short)).lost == 1


async def test_warm_up_when_a_quorum_trades_before_all_are_ready_then_the_trades_are_counted(tmp_path: Path) -> None:
    past = await past_of(tmp_path, batches(80))
    config = alone()
    slow = bar_mind("long_term", config.market, config.memory, config.agents).craft
    result = await run_past(config, past, minds=lambda: [mind(lambda c: c.open - c.close), BarMind(slow)])
    found = warm_up(past, result)
    assert result.fills
    assert (found.first_ms, found.early, found.is_warning) == (None, len(result.fills), True)
    assert "even at the end" in found.sentence


async def test_warm_up_when_a_mind_needs_one_bar_then_nothing_is_lost(tmp_path: Path) -> None:
    past = await past_of(tmp_path)
    found = warm_up(past, await run_past(alone(), past, minds=lambda: [mind(lambda c: c.open - c.close)]))
    assert (found.lost, found.early, found.is_warning, found.needed) == (0, 0, False, 1)
    assert found.sentence == "Every mind had a vote from the first traded bar on."


async def test_warmed_when_the_recording_is_too_short_then_it_says_what_is_missing(tmp_path: Path) -> None:
    past = await past_of(tmp_path, batches(20))
    with pytest.raises(DataError, match=r"has 20 bars, and the minds need 21"):
        warmed(past, 21)
    assert warmed(past, 20).count == 1


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_warmed_when_asked_for_any_number_then_so_many_are_given_and_no_more_is_taken(data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, 100))
    warm = data.draw(st.integers(0, 120))
    needed = data.draw(st.integers(0, 200))
    past = PAST_OF(begin, warm)
    moved = warmed(past, needed)
    given_now = moved.begin - max(moved.begin - moved.warm, 0)
    assert given_now >= needed - 1
    assert moved.begin == max(begin, needed - 1)
    assert moved.warm >= past.warm
    assert (moved.end, moved.tracks) == (past.end, past.tracks)


def _past_maker():  # type: ignore[no-untyped-def]
    import asyncio
    import tempfile
    from dataclasses import replace

    with tempfile.TemporaryDirectory() as folder:
        past = asyncio.run(past_of(Path(folder), batches(240)))
    return lambda begin, warm: replace(past, begin=begin, warm=warm)


PAST_OF = _past_maker()
