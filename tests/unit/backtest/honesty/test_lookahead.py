"""Who knows the future is caught, however it got there; who does not passes."""

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fks_actors.adapters.feeds.columns import checked
from fks_actors.backtest.honesty import LookAhead, check_lookahead
from fks_actors.backtest.honesty.corrupted import corrupted
from fks_actors.backtest.honesty.lookahead import TAIL
from fks_actors.backtest.honesty.opened import watching
from fks_actors.backtest.past import Past
from fks_actors.backtest.run import Result, run_past
from fks_actors.desk.mind import BarMind
from fks_actors.errors import ConfigError
from fks_actors.model.candles import Candle
from fks_actors.settings import Settings
from tests.market import MINUTE, START, SYMBOLS, batches
from tests.unit.backtest.honesty.scene import alone, mind, past_of, told

FUTURE: dict[tuple[str, int], float] = {}


def remember(past: Past) -> None:
    """What a cheat would do with data that it was given too much of."""
    FUTURE.clear()
    for track in past.tracks:
        closes = track.columns.close.tolist()
        FUTURE.update({(track.symbol, t): c for t, c in zip(track.columns.times.tolist(), closes, strict=True)})


def next_close(candle: Candle) -> float:
    return FUTURE.get((candle.symbol, candle.ts_ms + MINUTE), candle.close) / candle.close - 1


def above_the_mean_of_all(candle: Candle) -> float:
    mine = [close for (symbol, _), close in FUTURE.items() if symbol == candle.symbol]
    return candle.close / (sum(mine) / len(mine)) - 1


def falling(candle: Candle) -> float:
    return candle.open / candle.close - 1


async def found_of(past: Past, score: Callable[[Candle], float]) -> LookAhead:
    async def rerun(settings: Settings, given: Past) -> Result:
        remember(given)
        return await run_past(settings, given, minds=lambda: [mind(score)])

    return await check_lookahead(alone(), past, rerun, cuts=3)


@pytest.mark.parametrize("minds", [("short_term", "mid_term", "asmbtr"), ("mid_term",)])
async def test_check_when_the_minds_are_honest_then_every_decision_stays(
    tmp_path: Path, minds: tuple[str, ...]
) -> None:
    steps: list[tuple[int, int]] = []
    past = await past_of(tmp_path)
    found = await check_lookahead(told(*minds), past, cuts=3, told=lambda done, total: steps.append((done, total)))
    assert (found.is_warning, found.changed, found.opened) == (False, None, ())
    assert found.cuts_ms == tuple(START + n * MINUTE for n in (60, 120, 180))
    assert found.compared == 2 * (61 + 121 + 181)
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert "No look-ahead was found: 726 decisions stayed the same" in found.sentence


async def test_check_when_a_mind_of_a_line_is_honest_then_it_passes(tmp_path: Path) -> None:
    assert not (await found_of(await past_of(tmp_path), falling)).is_warning


@pytest.mark.parametrize(("score", "first"), [(next_close, 60), (above_the_mean_of_all, 0)])
async def test_check_when_a_mind_knows_the_bars_to_come_then_the_first_decision_is_named(
    tmp_path: Path, score: Callable[[Candle], float], first: int
) -> None:
    found = await found_of(await past_of(tmp_path), score)
    assert found.changed is not None
    assert found.reproducible
    assert found.changed.cut_ms == found.cuts_ms[0]
    assert found.changed.decision_id == f"{SYMBOLS[0]}@{START + first * MINUTE}"
    assert found.changed.before != found.changed.after
    assert f"LOOK-AHEAD: decision {found.changed.decision_id} was " in found.sentence


async def test_check_when_a_mind_reads_the_recording_itself_then_the_file_is_named(tmp_path: Path) -> None:
    past = await past_of(tmp_path)
    path = Path(past.tracks[0].recording.path)

    def reads(candle: Candle) -> float:
        rows = path.read_text().splitlines()[1:]
        later = [float(row.split(",")[4]) for row in rows if int(row.split(",")[0]) > candle.ts_ms]
        return (later[0] / candle.close - 1) if later and candle.symbol == SYMBOLS[0] else 0.0

    found = await found_of(past, reads)
    assert (found.is_warning, found.changed, found.opened) == (True, None, (str(path),))
    assert str(path) in found.sentence


async def test_check_when_a_mind_is_of_two_minds_then_it_is_not_called_a_look_ahead(tmp_path: Path) -> None:
    rng = random.Random(1)
    found = await found_of(await past_of(tmp_path), lambda _: rng.uniform(-1, 1))
    assert (found.is_warning, found.reproducible) == (True, False)
    assert found.sentence.startswith("NOT REPRODUCIBLE")


async def test_check_when_there_is_next_to_nothing_to_test_then_it_says_so(tmp_path: Path) -> None:
    past = await past_of(tmp_path, batches(2), (START + MINUTE, None))
    with pytest.raises(ConfigError, match="two traded bars"):
        await check_lookahead(alone(), past)


async def test_check_when_run_then_corrupted_bars_are_played_after_each_instant(tmp_path: Path) -> None:
    played: list[int] = []
    past = await past_of(tmp_path)

    async def rerun(settings: Settings, given: Past) -> Result:
        played.append(given.count)
        return await run_past(settings, given, minds=lambda: list[BarMind]([mind(falling)]))

    await check_lookahead(alone(), past, rerun, cuts=2)
    assert played == [161 + TAIL, 81 + TAIL, 161 + TAIL]


def test_watching_when_it_is_over_then_nothing_is_noted_any_more(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for path in (one, other):
        path.write_text("x")
    with watching([str(one)]) as opened:
        other.read_text()
        assert opened == set()
        one.read_text()
        assert opened == {str(one.resolve())}
        opened.clear()
    one.read_text()
    assert opened == set()


@given(st.integers(-1, 240), st.integers(0, 1_000))
@settings(max_examples=30, deadline=None)
def test_corrupted_when_made_then_the_past_stays_and_the_future_is_another_valid_one(at: int, seed: int) -> None:
    past, cut_ms = PAST, START + at * MINUTE
    other = corrupted(past, cut_ms, seed)
    for one, two in zip(past.tracks, other.tracks, strict=True):
        a, b = one.columns, two.columns
        later = a.times > cut_ms
        assert (a.times == b.times).all()
        for name in ("open", "high", "low", "close", "volume"):
            assert (getattr(a, name)[~later] == getattr(b, name)[~later]).all()
        assert (a.close[later] != b.close[later]).all()
        assert (a.volume[later] != b.volume[later]).all()
        rows = [b.times.astype(np.float64), b.open, b.high, b.low, b.close, b.volume]
        assert (checked(rows).close == b.close).all()
    again = corrupted(past, cut_ms, seed)
    assert (again.tracks[0].columns.close == other.tracks[0].columns.close).all()


def _made() -> Past:
    import asyncio
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(past_of(Path(folder)))


PAST = _made()
