"""What is told of a search: chosen in training, measured in the test, and what luck leaves."""

from pathlib import Path

import numpy as np
import pytest

from fks_actors.backtest.metrics import sharpe
from fks_actors.backtest.search.drive import Search, a_year, joined_returns, within
from fks_actors.backtest.search.facts import facts
from fks_actors.backtest.search.findings import Findings, findings
from fks_actors.backtest.search.objectives import score
from fks_actors.backtest.search.splits import Plan
from fks_actors.backtest.search.trial import Task
from fks_actors.backtest.significance import deflated_sharpe, moments
from tests.unit.backtest.search.scene import SETTINGS, Toy, opened, read_toy, toy_outcome


def size(task: Task) -> float:
    return float(task.tree["risk"]["per_trade_pct"]) / 10.0


def luck(task: Task) -> float:
    return 0.0


async def found_by(folder: Path, workers: Toy, **changes: object) -> tuple[Findings, dict[str, object], Plan]:
    spec, past, plan = await read_toy(folder, sampler="random", **changes)
    with opened(folder / "toy", spec, plan) as store:
        Search(store, past, plan, workers).run()
        found = findings(store, past, plan, SETTINGS)
    return found, facts(spec, past, plan, found), plan


async def test_findings_when_one_is_truly_better_then_it_survives_and_is_chosen(tmp_path: Path) -> None:
    workers = Toy(worth=lambda task: 2.0 if task.number == 3 else 0.0)
    found, told, _ = await found_by(tmp_path, workers)
    assert found.best is not None
    assert found.best.kept.number == 3
    assert found.chosen == (3, 3, 3, 3)
    assert found.survives
    assert found.pbo is not None
    assert found.pbo < 0.1
    assert found.searched == found.best.tested
    assert told["first_line"] == found.first_line()
    assert found.first_line().startswith("Out of sample the search beats flat")
    assert "8 trials tried" in found.first_line()
    assert "The best trial, 3, survives deflation" in found.first_line()


async def test_findings_when_all_is_luck_then_the_best_does_not_survive(tmp_path: Path) -> None:
    found, _, _ = await found_by(tmp_path, Toy(worth=luck), trials=20)
    assert found.best is not None
    assert not found.survives
    assert "does NOT survive deflation" in found.first_line()
    assert found.searched is not None
    assert found.best.tested.sharpe > found.searched.sharpe


async def test_findings_when_choosing_then_the_training_alone_decides(tmp_path: Path) -> None:
    """One trial is good in three blocks of four: in the fourth test it is chosen all the same, and its loss is told."""
    workers = Toy(worth=lambda task: (-9.0 if task.block == 3 else 3.0) if task.number == 1 else 0.0)
    found, _, plan = await found_by(tmp_path, workers)
    assert found.chosen[3] == 1
    returns = joined_returns({3: toy_outcome(_task(1, 3, plan), -9.0)}, plan)
    fourth = float(np.prod(1.0 + within(returns, plan, (plan.blocks[3],))))
    assert found.searched is not None
    assert fourth < 0.75
    assert found.first_line().startswith("Out of sample the search ")


def _task(number: int, block: int, plan: Plan) -> Task:
    return Task(number, block, plan.blocks[block], plan.warm, {})


async def test_findings_when_deflated_then_over_all_trials_that_ran(tmp_path: Path) -> None:
    spec, past, plan = await read_toy(tmp_path, trials=16, sampler="random", pruner="median", objectives=("return",))
    with opened(tmp_path / "toy", spec, plan) as store:
        Search(store, past, plan, Toy(worth=size)).run()
        found = findings(store, past, plan, SETTINGS)
        every = {}
        for each in found.tried:
            parts = {at: store.outcome(each.kept.number, at, each.kept.key) for at in range(len(plan.blocks))}
            known = {at: part for at, part in parts.items() if part is not None}
            every[each.kept.number] = within(joined_returns(known, plan), plan, plan.tested)
    assert found.pruned > 0
    assert len(found.tried) == 16
    assert found.best is not None
    best = moments(every[found.best.kept.number])
    assert best is not None
    assert found.dsr == pytest.approx(deflated_sharpe(best, [sharpe(each, 1.0) or 0.0 for each in every.values()]))
    assert f"({found.pruned} pruned)" in found.first_line()
    assert found.best.tested == score(every[found.best.kept.number], a_year(past, plan))


async def test_findings_when_a_loss_then_it_is_said_first(tmp_path: Path) -> None:
    found, _, _ = await found_by(tmp_path, Toy(worth=lambda task: -2.0))
    assert found.searched is not None
    assert found.searched.total < 0.0
    begun = found.first_line().partition(":")[0]
    assert begun in (
        "Out of sample the search beats NEITHER flat NOR buy and hold",
        "Out of sample the search does NOT beat flat, though it beats buy and hold",
    )


async def test_findings_when_nothing_is_tested_then_that_is_said_first(tmp_path: Path) -> None:
    found, told, _ = await found_by(tmp_path, Toy(worth=size), cv="none")
    assert found.first_line().startswith("NOTHING was tested out of sample")
    assert (found.searched, found.chosen, found.paths, told["searched"]) == (None, (), (), None)


async def test_findings_when_every_trial_is_refused_then_no_result_is_told(tmp_path: Path) -> None:
    found, told, _ = await found_by(tmp_path, Toy(worth=lambda task: float("nan")))
    assert found.first_line() == "No trial was completed; 0 trials tried, 8 refused: it cannot be run."
    assert (told["best"], told["trials"], told["deflated_sharpe"]) == (None, [], None)


async def test_findings_when_two_objectives_then_the_front_has_what_nobody_beats_in_both(tmp_path: Path) -> None:
    found, told, _ = await found_by(tmp_path, Toy(worth=size), objectives=("return", "drawdown"), trials=12)
    points = {each.kept.number: (each.tested.total, -each.tested.drawdown) for each in found.tried}
    assert found.front
    assert told["pareto_front"] == list(found.front)
    for number, own in points.items():
        beaten = any(a >= own[0] and b >= own[1] and (a, b) != own for a, b in points.values())
        assert beaten == (number not in found.front)


async def test_findings_when_combinatorial_then_the_middle_of_the_paths_is_told(tmp_path: Path) -> None:
    found, _, plan = await found_by(tmp_path, Toy(worth=luck), cv="combinatorial:4:test=2:purge=2:embargo=1")
    assert (len(plan.splits), len(found.chosen), len(found.paths)) == (6, 6, 3)
    assert found.searched is not None
    assert list(found.paths) == sorted(found.paths)
    assert found.searched.total == pytest.approx(found.paths[1])
