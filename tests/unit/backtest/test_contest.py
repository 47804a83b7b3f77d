"""Runs held against each other: what is called a difference is one."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from fks_actors.agents.config import AgentsConfig
from fks_actors.backtest.baselines import Baseline
from fks_actors.backtest.contenders import contender, run_contender
from fks_actors.backtest.contest import Contest, against_first, contest
from fks_actors.backtest.metrics import Floats
from fks_actors.backtest.past import Past, read_past
from fks_actors.backtest.significance import block_length, interval, total_differences, total_interval
from fks_actors.backtest.studies import as_baseline
from fks_actors.settings import Settings
from tests.market import batches, write_files
from tests.unit.backtest.trades import HOUR_MS

SETTINGS = Settings(agents=AgentsConfig(minds=("short_term", "mid_term", "asmbtr")))


def luck(seed: int, mean: float = 0.0, count: int = 400) -> Floats:
    return np.random.default_rng(seed).normal(mean, 0.01, count)


def run_of(returns: Floats, name: str = "run") -> Baseline:
    equity = 10_000.0 * np.concatenate([[1.0], np.cumprod(1.0 + returns)])
    rows = tuple((at * HOUR_MS, float(each), 0.0) for at, each in enumerate(equity))
    return Baseline(name, Decimal(10_000), Decimal(str(equity[-1])), (), rows)


def contest_of(past: Past, runs: Sequence[Baseline]) -> Contest:
    return Contest(past, tuple(runs), against_first(runs, 7), (), "", ())


def test_total_interval_when_the_statistic_is_bootstrapped_alone_then_the_same_bounds() -> None:
    returns = luck(1, 0.001)
    found = total_interval(returns, np.random.default_rng(4), level=0.9, times=300)
    plain = interval(
        returns,
        lambda r: float(np.prod(1.0 + r) - 1.0),
        np.random.default_rng(4),
        level=0.9,
        times=300,
        block=block_length(np.log1p(returns)),
    )
    assert found is not None
    assert plain is not None
    assert (found.estimate, found.low, found.high) == pytest.approx((plain.estimate, plain.low, plain.high))
    assert (found.block, found.level, found.resamples) == (plain.block, 0.9, 300)


def test_total_differences_when_both_move_together_then_surer_than_apart() -> None:
    market, edge = luck(1), luck(2, 0.0005) / 20
    paired, alone = (
        total_differences(np.column_stack(pair), np.random.default_rng(7))[0]
        for pair in ((market, market + edge), (market, luck(3) + edge))
    )
    assert paired is not None
    assert alone is not None
    assert paired.high - paired.low < (alone.high - alone.low) / 5


def test_total_differences_when_there_is_luck_alone_then_95_of_100_intervals_contain_0() -> None:
    missed = 0
    for seed in range(100):
        pair = np.column_stack([luck(2 * seed, count=150), luck(2 * seed + 1, count=150)])
        found = total_differences(pair, np.random.default_rng(seed), times=200)[0]
        assert found is not None
        missed += not found.low <= 0.0 <= found.high
    assert 1 <= missed <= 13  # 5 are expected; under 14 with 99.9 %, were each missed with probability 0.05


def test_total_differences_when_ruined_or_empty_or_unsure_then_finite_none_or_refused() -> None:
    ruined = luck(1)
    ruined[-1] = -1.0
    found = total_differences(np.column_stack([luck(2), ruined]), np.random.default_rng(7))[0]
    assert found is not None
    assert found.estimate == pytest.approx(-1.0 - (np.prod(1.0 + luck(2)) - 1.0))
    assert np.isfinite([found.low, found.high]).all()
    assert total_differences(np.empty((0, 3)), np.random.default_rng(7)) == (None, None)
    with pytest.raises(ValueError, match="not within"):
        total_differences(np.empty((0, 3)), np.random.default_rng(7), level=1.0)


async def test_differs_when_the_interval_contains_0_then_never(tmp_path: Path) -> None:
    past = await read_past(write_files(tmp_path, batches(3)).removeprefix("replay:").split(","))
    first = luck(1)
    runs = [run_of(each) for each in (first, first + 0.0001 * luck(2), first + 0.002, first - 0.002, first)]
    found = contest_of(past, runs)
    assert [found.differs(at) for at in range(5)] == [False, False, True, True, False]
    for at, spread in enumerate(found.against_first, 1):
        assert spread is not None
        assert spread.estimate == pytest.approx(float(runs[at].gained - runs[0].gained))
        assert found.differs(at) == (spread.low > 0 or spread.high < 0)


def test_against_first_when_more_are_compared_then_each_interval_is_wider() -> None:
    first, other = luck(1), luck(2)
    (lone,) = against_first([run_of(first), run_of(other)], 7)
    among = against_first([run_of(first), *(run_of(other) for _ in range(9))], 7)
    assert lone is not None
    assert among[0] is not None
    assert (lone.level, among[0].level) == pytest.approx((0.95, 1 - 0.05 / 9))
    assert among[0].low < lone.low < lone.high < among[0].high
    assert all(each is not None and each.low == pytest.approx(among[0].low) for each in among)


def test_against_first_when_a_run_was_ruined_on_the_way_then_no_interval_is_claimed() -> None:
    ruined = luck(3)
    ruined[100] = -1.0
    found = against_first([run_of(luck(1)), run_of(ruined), run_of(luck(2))], 7)
    assert found[0] is None
    assert found[1] is not None
    assert against_first([run_of(luck(1)), run_of(ruined)], 7) == (None,)


async def test_contest_when_run_then_each_is_the_run_alone_and_the_first_is_judged(tmp_path: Path) -> None:
    past = await read_past(write_files(tmp_path, batches(300)).removeprefix("replay:").split(","))
    entrants = [contender(name, SETTINGS) for name in ("macd", "council", "sma")]
    heard: dict[str, tuple[int, int]] = {}
    found = await contest(entrants, past, seed=7, told=lambda name, *at: heard.update({name: at}))
    for run, entrant in zip(found.runs, entrants, strict=True):
        assert run == as_baseline(entrant.label, await run_contender(entrant, past))
        assert heard[entrant.label] == (300, 300)
    assert [each.name for each in found.idle] == ["flat", "buy and hold", "buy and hold of 5 % each"]
    assert f"{(found.runs[0].gained * 100):+.2f} %" in found.first_line
    again = await contest(entrants, past, seed=7)
    assert again.against_first == found.against_first
