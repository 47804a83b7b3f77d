"""The laws of splits: no tested bar is trained on, purge and embargo are kept, every bar is tested as often as told."""

from itertools import pairwise
from math import comb

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fks_actors.backtest.search.splits import Cv, Plan, Range, parse_cv, plan
from fks_actors.errors import ConfigError


@st.composite
def plans(draw: st.DrawFn, kinds: tuple[str, ...] = ("walk-forward", "purged", "combinatorial")) -> tuple[Cv, Plan]:
    kind = draw(st.sampled_from(kinds))
    count = draw(st.integers(2, 7))
    cv = Cv(
        kind,
        count,
        rolling=draw(st.integers(0, 3)) if kind == "walk-forward" else 0,
        test=draw(st.integers(1, min(3, count - 1))),
        purge=draw(st.integers(0, 12)),
        embargo=draw(st.integers(0, 12)),
    )
    begin, warm, bars = draw(st.integers(0, 50)), draw(st.integers(0, 50)), draw(st.integers(60, 400))
    try:
        return cv, plan(cv, begin, begin + warm + bars, warm)
    except ConfigError:
        assume(False)
        raise


def bars_of(ranges: tuple[Range, ...]) -> list[int]:
    return [bar for start, stop in ranges for bar in range(start, stop)]


@given(plans())
def test_plan_when_split_then_no_tested_bar_is_trained_on(made: tuple[Cv, Plan]) -> None:
    for split in made[1].splits:
        train, test = bars_of(split.train), bars_of(split.test)
        assert train
        assert test
        assert not set(train) & set(test)
        assert len(set(train)) == len(train)


@given(plans())
def test_plan_when_split_then_purge_and_embargo_are_kept(made: tuple[Cv, Plan]) -> None:
    planned = made[1]
    for split in planned.splits:
        train = bars_of(split.train)
        for start, stop in split.test:
            assert all(bar < start - planned.purge or bar >= stop + planned.purge + planned.embargo for bar in train)


@given(plans(("purged", "combinatorial")))
def test_plan_when_purged_then_nothing_more_than_purge_and_embargo_is_left_out(made: tuple[Cv, Plan]) -> None:
    planned = made[1]
    every = set(range(planned.begin, planned.blocks[-1][1]))
    for split in planned.splits:
        out = {
            bar
            for start, stop in split.test
            for bar in range(start - planned.purge, stop + planned.purge + planned.embargo)
        }
        assert set(bars_of(split.train)) == every - out


@given(plans(("purged",)))
def test_plan_when_k_fold_then_every_bar_is_tested_exactly_once(made: tuple[Cv, Plan]) -> None:
    planned = made[1]
    tested = [bar for split in planned.splits for bar in bars_of(split.test)]
    assert sorted(tested) == list(range(planned.begin, planned.blocks[-1][1]))
    assert len(planned.paths()) == 1


@given(plans(("combinatorial",)))
def test_plan_when_combinatorial_then_every_path_tests_every_bar_once(made: tuple[Cv, Plan]) -> None:
    cv, planned = made
    assert len(planned.splits) == comb(cv.count, cv.test)
    paths = planned.paths()
    assert len(paths) == comb(cv.count - 1, cv.test - 1)
    for path in paths:
        assert bars_of(tuple(block for _, block in path)) == list(range(planned.begin, planned.blocks[-1][1]))
        assert all(block in planned.splits[split].test for split, block in path)
    used = [(split, block) for path in paths for split, block in path]
    assert len(set(used)) == len(used)


@given(plans(("walk-forward",)))
def test_plan_when_walking_forward_then_only_the_past_is_trained_on(made: tuple[Cv, Plan]) -> None:
    cv, planned = made
    assert len(planned.splits) == cv.count
    assert bars_of(planned.tested) == list(range(planned.blocks[1][0], planned.blocks[-1][1]))
    for at, split in enumerate(planned.splits, 1):
        first = planned.blocks[max(at - cv.rolling, 0) if cv.rolling else 0][0]
        assert bars_of(split.train) == list(range(first, split.test[0][0] - planned.purge))


@given(plans())
def test_plan_when_cut_then_blocks_lie_side_by_side_after_the_bars_to_learn_from(made: tuple[Cv, Plan]) -> None:
    planned = made[1]
    assert planned.begin >= planned.warm
    assert all(one[1] == other[0] for one, other in pairwise(planned.blocks))
    sizes = [stop - start for start, stop in planned.blocks]
    assert max(sizes) - min(sizes) <= 1


def test_plan_when_nothing_is_told_then_the_horizon_is_purged_and_a_hundredth_embargoed() -> None:
    planned = plan(parse_cv("purged:5"), 0, 1_000, 0, horizon=24)
    assert (planned.purge, planned.embargo) == (24, 10)
    assert planned.splits[2].train == ((0, 376), (634, 1_000))
    walked = plan(parse_cv("walk-forward:4"), 0, 1_000, 0, horizon=24)
    assert (walked.purge, walked.embargo) == (24, 0)
    assert walked.splits[1].train == ((0, 376),)


def test_plan_when_nothing_is_split_then_one_block_without_a_test() -> None:
    planned = plan(parse_cv("none"), 10, 100, 30)
    assert planned == Plan(((30, 100),), (), 30)
    assert (planned.tested, planned.paths()) == (((30, 100),), [])


@pytest.mark.parametrize(("text", "end", "warm"), [("purged:5", 100, 90), ("walk-forward:5", 20, 0), ("none", 3, 3)])
def test_plan_when_there_are_too_few_bars_then_refused(text: str, end: int, warm: int) -> None:
    with pytest.raises(ConfigError, match="too few"):
        plan(parse_cv(text), 0, end, warm)


def test_plan_when_the_purge_eats_the_training_then_refused() -> None:
    with pytest.raises(ConfigError, match="nothing to train"):
        plan(parse_cv("walk-forward:4"), 0, 100, 0, horizon=20)


@pytest.mark.parametrize(
    ("text", "cv"),
    [
        ("none", Cv("none")),
        ("walk-forward", Cv("walk-forward", 5)),
        ("walk-forward:3:rolling=2:purge=4", Cv("walk-forward", 3, 2, purge=4)),
        ("purged:5:embargo=24", Cv("purged", 5, embargo=24)),
        ("combinatorial:6:test=3:purge=0:embargo=0", Cv("combinatorial", 6, test=3, purge=0, embargo=0)),
    ],
)
def test_parse_cv_when_it_is_well_written_then_read(text: str, cv: Cv) -> None:
    assert parse_cv(text) == cv


@pytest.mark.parametrize(
    "text",
    [
        "",
        "none:5",
        "kfold:5",
        "purged:1",
        "purged:x",
        "purged:5:rolling=2",
        "purged:5:embargo=-1",
        "purged:5:embargo=1:embargo=2",
        "walk-forward:5:embargo=2",
        "walk-forward:0",
        "walk-forward:5:rolling=0",
        "combinatorial:4:test=4",
        "combinatorial:30:test=15",
    ],
)
def test_parse_cv_when_it_is_not_then_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--cv"):
        parse_cv(text)
