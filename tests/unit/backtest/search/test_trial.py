"""A block of a trial is a run: the same equity from its record as from the desk, to the last digit."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np
import pytest

from fks_actors.backtest.past import read_past
from fks_actors.backtest.run import run_past
from fks_actors.backtest.search.again import again, shown_record
from fks_actors.backtest.search.drive import Here, run_here
from fks_actors.backtest.search.go import read_search
from fks_actors.backtest.search.record import SearchSpec, data_sha256, settings_sha256
from fks_actors.backtest.search.space import Axis, base_tree, parse_axis, settings_of
from fks_actors.backtest.search.store import Store, find_trial
from fks_actors.backtest.search.trial import Outcome, Refused, Task, cut, outcome, run_task
from fks_actors.errors import ConfigError, DataError
from tests.unit.backtest.search.scene import SETTINGS, opened, recording, spec_of

VALUES = {"risk.per_trade_pct": 40.0, "agents.debate.threshold": 0.1}


async def test_run_task_when_it_trades_then_its_returns_are_the_runs_own(tmp_path: Path) -> None:
    past = await read_past([str(recording(tmp_path, 160))])
    tree = base_tree(settings_of(base_tree(SETTINGS), {**VALUES, "agents.debate.min_votes": 1}))
    found = await asyncio.to_thread(run_task, past, Task(0, 0, (60, 160), 40, tree))
    part = cut(past, (60, 160), 40)
    result = await run_past(settings_of(tree), part)
    assert isinstance(found, Outcome)
    assert found.fills == len(result.fills) > 2
    assert len(found.returns) == 100
    assert float(np.prod(1.0 + found.returns)) == pytest.approx(float(result.final / result.cash), rel=1e-12)
    assert found.final == format(result.final, "f")
    curve = "".join(f"{point.ts_ms} {point.equity}\n" for point in result.equity)
    assert found.equity_sha256 == hashlib.sha256(curve.encode()).hexdigest()
    closes = (part.times[60:160] + part.info.interval_ms).tolist()
    by_close = {point.ts_ms: float(point.equity) for point in result.equity}
    assert sorted(by_close) == closes
    expected = np.diff([float(result.cash), *(by_close[each] for each in closes)]) / np.array(
        [float(result.cash), *(by_close[each] for each in closes[:-1])]
    )
    assert found.returns == pytest.approx(expected, abs=1e-12)


async def test_run_task_when_it_cannot_be_run_then_refused_with_why(tmp_path: Path) -> None:
    past = await read_past([str(recording(tmp_path, 60))])
    tree = {"risk": {"per_trade_pct": "-3"}}
    found = await asyncio.to_thread(run_task, past, Task(0, 0, (10, 60), 10, tree))
    assert isinstance(found, Refused)
    assert "risk.per_trade_pct" in found.reason


@dataclass(frozen=True)
class Point:
    ts_ms: int
    equity: Decimal


@dataclass(frozen=True)
class Ended:
    """As much of a Result as an outcome is made of."""

    equity: Sequence[Point]
    cash: Decimal = Decimal(100)
    final: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    fills: tuple[()] = ()


async def test_outcome_when_equity_is_ruined_or_has_holes_then_a_return_a_bar(tmp_path: Path) -> None:
    past = await read_past([str(recording(tmp_path, 8))])
    closes = (past.times + past.info.interval_ms).tolist()
    points = [Point(closes[at], Decimal(equity)) for at, equity in ((1, 110), (3, 55), (4, -1), (5, 40))]
    found = outcome(Ended(points), past)  # type: ignore[arg-type]
    assert found.returns.tolist() == pytest.approx([0.0, 0.1, 0.0, -0.5, -1.0, 0.0, 0.0, 0.0])


async def test_again_when_run_from_its_record_then_the_same_to_the_last_digit(tmp_path: Path) -> None:
    path = recording(tmp_path, 120)
    spec = spec_of(path, trials=2, cv="walk-forward:2:purge=3", warm=10, sampler="random")
    past, plan, _ = await read_search(spec)
    folder = tmp_path / "studies" / "toy"
    with opened(folder, spec, plan) as store:
        await asyncio.to_thread(run_here, store, past, plan)
    record = find_trial(tmp_path, "toy/1")
    assert settings_of(spec.tree, record.values) == record.settings()
    whole = await record.past()
    assert (whole.begin, whole.end, whole.warm) == (plan.begin, plan.blocks[-1][1], 10)
    with opened(folder, spec, plan, resume=True) as store:
        blocks = await again(store, record)
        assert [each["same"] for each in blocks] == [True] * 3
        assert [each["now"] for each in blocks] == [each["final"] for each in shown_record(store, record)["blocks"]]
        other = msgspec.structs.replace(record, settings_sha256="0" * 64)
        with pytest.raises(ConfigError, match="whose defaults were others"):
            await again(store, other)
        changed = msgspec.structs.replace(record, tree={**record.tree, "desk": {"cash": "9999"}})
        changed = msgspec.structs.replace(changed, settings_sha256=_digest_of(changed.tree))
        known = store.outcome(1, 0, record.settings_sha256)
        assert known is not None
        store.save(1, 0, changed.settings_sha256, known)
        assert [each["same"] for each in await again(store, changed)] == [False]
    recording(tmp_path, 120, turn=8.0)
    with pytest.raises(DataError, match="not those that trial toy/1 saw"):
        await record.past()


def _digest_of(tree: dict[str, object]) -> str:
    return settings_sha256(settings_of(tree))


async def test_sees_when_a_file_has_changed_then_the_study_does_not_go_on(tmp_path: Path) -> None:
    spec = spec_of(recording(tmp_path, 120), trials=1)
    past, plan, _ = await read_search(spec)
    with opened(tmp_path / "toy", spec, plan) as store:
        store.sees(data_sha256(past))
    other = await read_past([str(recording(tmp_path, 120, turn=7.0))])
    store = Store.reopen(tmp_path / "toy", spec)
    store.sees(data_sha256(past))
    with pytest.raises(DataError, match="has changed"):
        store.sees(data_sha256(other))
    store.close()


async def test_here_when_given_blocks_then_in_their_order(tmp_path: Path) -> None:
    past = await read_past([str(recording(tmp_path, 60))])
    here = Here(past)
    for block in (0, 1):
        here.submit(Task(3, block, (20 + 20 * block, 40 + 20 * block), 20, base_tree(SETTINGS)))
    one = await asyncio.to_thread(here.next)
    assert (one[0].block, type(one[1])) == (0, Outcome)
    here.cancel()
    with pytest.raises(IndexError):
        here.next()


def test_spec_when_sent_as_json_then_the_same_search(tmp_path: Path) -> None:
    axes = (
        parse_axis("risk.per_trade_pct=1:10:1", SETTINGS),
        Axis("agents.minds", choices=(["short_term"], ["short_term", "asmbtr"])),
    )
    spec = spec_of(tmp_path / "BTCUSDT-1h.csv", axes=axes, objectives=("return", "drawdown"), since_ms=5)
    sent = msgspec.json.decode(msgspec.json.encode(spec), type=SearchSpec)
    assert sent == spec
    assert sent.differs(spec) == []
    assert msgspec.structs.replace(sent, trials=99).differs(spec) == []
    assert msgspec.structs.replace(sent, warm=1, since_ms=6).differs(spec) == ["warm", "since_ms"]
