"""A search: what it asks for, how much is under way, and what is left when it was interrupted."""

from pathlib import Path

import msgspec
import pytest

from fks_actors.backtest.search.space import parse_axis
from fks_actors.backtest.search.store import Store, driving, find_trial
from fks_actors.errors import AlreadyRunning, ConfigError, JournalCorrupt
from tests.unit.backtest.search.scene import SETTINGS, Toy, opened, read_toy, searched


async def test_search_when_run_then_each_block_once_and_the_best_is_told(tmp_path: Path) -> None:
    spec, past, plan = await read_toy(tmp_path)
    workers = Toy()
    kept, told = searched(tmp_path / "toy", spec, past, plan, workers)
    assert sorted(workers.ran) == [(number, block) for number in range(8) for block in range(4)]
    assert [each["state"] for each in kept] == ["complete"] * 8
    assert workers.most == 1
    assert workers.cancelled
    assert (told[-1].trials, told[-1].blocks, told[-1].of_blocks) == (8, 32, 32)
    assert told[-1].best == max(each["told"][0] for each in kept)
    assert [now.blocks for now in told] == sorted(now.blocks for now in told)


async def test_search_when_there_are_workers_then_no_more_is_under_way_than_they_take(tmp_path: Path) -> None:
    spec, past, plan = await read_toy(tmp_path)
    workers = Toy(limit=6)
    kept, _ = searched(tmp_path / "toy", spec, past, plan, workers)
    assert workers.most == 6
    assert sorted(workers.ran) == [(number, block) for number in range(8) for block in range(4)]
    assert {each["state"] for each in kept} == {"complete"}


@pytest.mark.parametrize(("sampler", "stop_after"), [("tpe", 0), ("tpe", 53), ("random", 31)])
async def test_search_when_interrupted_then_resumed_it_ends_as_if_it_was_not(
    tmp_path: Path, sampler: str, stop_after: int
) -> None:
    spec, past, plan = await read_toy(tmp_path, sampler=sampler, trials=16 if sampler == "tpe" else 8)
    whole, _ = searched(tmp_path / "whole" / "toy", spec, past, plan, Toy())
    first, second = Toy(stop_after=stop_after), Toy()
    with pytest.raises(KeyboardInterrupt):
        searched(tmp_path / "toy", spec, past, plan, first)
    assert first.cancelled
    resumed, told = searched(tmp_path / "toy", spec, past, plan, second, resume=True)
    assert resumed == whole
    assert len(first.ran) == stop_after
    assert sorted(first.ran + second.ran) == [(number, block) for number in range(spec.trials) for block in range(4)]
    assert told[0].blocks == stop_after
    assert told[-1].blocks == 4 * spec.trials


async def test_search_when_interrupted_with_many_under_way_then_nothing_is_lost_or_repeated(tmp_path: Path) -> None:
    spec, past, plan = await read_toy(tmp_path)
    first, second = Toy(limit=6, stop_after=13), Toy(limit=3)
    with pytest.raises(KeyboardInterrupt):
        searched(tmp_path / "toy", spec, past, plan, first)
    kept, _ = searched(tmp_path / "toy", spec, past, plan, second, resume=True)
    assert sorted(first.ran + second.ran) == [(number, block) for number in range(8) for block in range(4)]
    assert [each["number"] for each in kept] == list(range(8))
    assert {each["state"] for each in kept} == {"complete"}


async def test_search_when_more_trials_are_asked_for_then_only_those_are_run(tmp_path: Path) -> None:
    spec, past, plan = await read_toy(tmp_path, trials=3)
    searched(tmp_path / "toy", spec, past, plan, Toy())
    more = Toy()
    kept, _ = searched(tmp_path / "toy", msgspec.structs.replace(spec, trials=5), past, plan, more, resume=True)
    assert {number for number, _ in more.ran} == {3, 4}
    assert len(kept) == 5


@pytest.mark.parametrize("pruner", ["median", "hyperband"])
async def test_search_when_bad_trials_are_pruned_then_they_are_not_run_to_their_end(
    tmp_path: Path, pruner: str
) -> None:
    spec, past, plan = await read_toy(tmp_path, trials=24, pruner=pruner, sampler="random", objectives=("return",))
    workers = Toy(limit=2, worth=lambda task: 5.0 * float(task.tree["risk"]["per_trade_pct"]) / 50.0)
    kept, told = searched(tmp_path / "toy", spec, past, plan, workers)
    states = {each["number"]: each["state"] for each in kept}
    pruned = [number for number, state in states.items() if state == "pruned"]
    assert pruned
    assert "complete" in states.values()
    for number, state in states.items():
        blocks = [block for each, block in workers.ran if each == number]
        assert blocks == list(range(len(blocks)))
        assert (len(blocks) == 4) == (state == "complete")
    assert told[-1].blocks == told[-1].of_blocks


async def test_search_when_a_trial_cannot_be_run_then_it_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    spec, past, plan = await read_toy(tmp_path)
    workers = Toy(limit=3, worth=lambda task: float("nan") if task.number == 2 and task.block == 1 else 0.5)
    kept, _ = searched(tmp_path / "toy", spec, past, plan, workers)
    assert [each["state"] for each in kept] == ["complete"] * 2 + ["failed"] + ["complete"] * 5
    assert kept[2]["reason"] == "it cannot be run"


async def test_search_when_values_do_not_go_together_then_the_trial_is_refused_and_never_run(tmp_path: Path) -> None:
    axes = (parse_axis("risk.drawdown_reducing_pct=5:40", SETTINGS), parse_axis("risk.per_trade_pct=1:9", SETTINGS))
    spec, past, plan = await read_toy(tmp_path, trials=10, axes=axes, sampler="random")
    workers = Toy()
    kept, _ = searched(tmp_path / "toy", spec, past, plan, workers)
    refused = {each["number"] for each in kept if each["state"] == "failed"}
    assert refused == {e["number"] for e in kept if e["values"]["risk.drawdown_reducing_pct"] >= 20.0}
    assert 0 < len(refused) < 10
    assert not refused & {number for number, _ in workers.ran}
    assert all("drawdown_halt_pct must be greater" in each["reason"] for each in kept if each["number"] in refused)


async def test_search_when_there_are_two_objectives_then_both_are_told(tmp_path: Path) -> None:
    spec, past, plan = await read_toy(tmp_path, objectives=("return", "drawdown"))
    kept, _ = searched(tmp_path / "toy", spec, past, plan, Toy())
    assert all(len(each["told"]) == 2 and 0.0 <= each["told"][1] <= 1.0 for each in kept)


async def test_search_when_it_is_a_grid_then_every_point_once(tmp_path: Path) -> None:
    axes = (parse_axis("risk.per_trade_pct=1:3:1", SETTINGS), parse_axis("risk.sizing=fixed_pct,risk", SETTINGS))
    spec, past, plan = await read_toy(tmp_path, trials=6, axes=axes, sampler="grid")
    kept, _ = searched(tmp_path / "toy", spec, past, plan, Toy())
    points = {(each["values"]["risk.per_trade_pct"], each["values"]["risk.sizing"]) for each in kept}
    assert points == {(size, sizing) for size in (1.0, 2.0, 3.0) for sizing in ("fixed_pct", "risk")}


async def test_create_when_the_study_is_there_then_refused_and_kept(tmp_path: Path) -> None:
    spec, past, plan = await read_toy(tmp_path, trials=2)
    kept, _ = searched(tmp_path / "toy", spec, past, plan, Toy())
    with pytest.raises(ConfigError, match="--resume"):
        Store.create(tmp_path / "toy", spec, 4)
    with opened(tmp_path / "toy", spec, plan, resume=True) as store:
        assert [msgspec.to_builtins(each) for each in store.kept()] == kept


async def test_reopen_when_the_search_is_another_then_what_differs_is_named(tmp_path: Path) -> None:
    spec, past, plan = await read_toy(tmp_path, trials=2)
    searched(tmp_path / "toy", spec, past, plan, Toy())
    other = msgspec.structs.replace(spec, seed=8, cv="none", version="9")
    with pytest.raises(ConfigError, match="begun with other cv, seed, version"):
        Store.reopen(tmp_path / "toy", other)
    with pytest.raises(ConfigError, match="no study nothing"):
        Store.reopen(tmp_path / "nothing")


async def test_reopen_when_the_file_is_none_of_ours_then_told(tmp_path: Path) -> None:
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "study.db").write_bytes(b"not a database, but something else that is long enough" * 40)
    with pytest.raises((JournalCorrupt, ConfigError)) as told:
        Store.reopen(tmp_path / "toy")
    assert "study.db" in str(told.value)


async def test_outcome_when_its_file_is_damaged_then_told(tmp_path: Path) -> None:
    spec, past, plan = await read_toy(tmp_path, trials=1)
    searched(tmp_path / "toy", spec, past, plan, Toy())
    (tmp_path / "toy" / "outcomes" / "000000-0001.bin").write_bytes(b"\x81")
    with opened(tmp_path / "toy", spec, plan, resume=True) as store, pytest.raises(JournalCorrupt, match="0001"):
        store.outcome(0, 1, store.kept()[0].key)


async def test_outcome_when_it_is_of_other_settings_then_it_does_not_count(tmp_path: Path) -> None:
    spec, past, plan = await read_toy(tmp_path, trials=1)
    searched(tmp_path / "toy", spec, past, plan, Toy())
    with opened(tmp_path / "toy", spec, plan, resume=True) as store:
        assert store.outcome(0, 1, store.kept()[0].key) is not None
        assert store.outcome(0, 1, "another") is None
        assert store.outcome(0, 9, store.kept()[0].key) is None


def test_driving_when_another_process_has_the_study_then_refused(tmp_path: Path) -> None:
    with driving(tmp_path / "toy"), pytest.raises(AlreadyRunning), driving(tmp_path / "toy"):
        pass
    with driving(tmp_path / "toy"):
        assert (tmp_path / "toy" / "lock").exists()


async def test_find_trial_when_named_then_its_record_and_else_why_not(tmp_path: Path) -> None:
    spec, past, plan = await read_toy(tmp_path, trials=2)
    folder = tmp_path / "studies" / "toy"
    kept, _ = searched(folder, spec, past, plan, Toy())
    record = find_trial(tmp_path, "toy/1")
    assert (record.number, record.values, record.data) == (1, kept[1]["values"], spec.data)
    assert record.span() == (int(past.times[plan.begin]), int(past.times[-1]) + past.info.interval_ms)
    for name, said in (("toy/2", "no trial 2"), ("toy", "STUDY/NUMBER"), ("other/0", "no study"), ("../x/0", "use up")):
        with pytest.raises(ConfigError, match=said):
            find_trial(tmp_path, name)
