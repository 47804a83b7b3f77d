"""The state table counts what a recount of the whole history counts; its vote is what those counts say."""

import itertools
import math
from collections import defaultdict
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from fks_actors.agents.asmbtr import MoveTable, look, vote
from fks_actors.agents.config import AsmbtrConfig
from fks_actors.model.candles import Candle
from fks_actors.model.votes import Action, Vote
from tests.unit.bars import HOUR_MS, SYMBOL, bar, extremes, walks

configs = st.builds(
    AsmbtrConfig,
    depth=st.integers(6, 12),
    decay=st.floats(0.99, 0.999),
    min_move=st.sampled_from([0.0, 0.0, 0.005, 0.1]),
    min_observations=st.integers(3, 10),
    threshold=st.floats(0.05, 0.2),
)
histories = st.one_of(walks(least=1, most=300), extremes(least=1, most=200))


def told(candles: Sequence[Candle], config: AsmbtrConfig) -> MoveTable:
    table = MoveTable(config)
    for candle in candles:
        table.update(candle)
    return table


def moves(candles: Sequence[Candle], config: AsmbtrConfig) -> list[int]:
    """Every counted move, oldest first: 1 up, 0 down."""
    closes = [candle.close for candle in candles]
    pairs = [(a, b) for a, b in itertools.pairwise(closes) if a != b and abs(b / a - 1) >= config.min_move]
    return [int(b > a) for a, b in pairs]


def recounted(candles: Sequence[Candle], config: AsmbtrConfig) -> dict[str, tuple[int, float, float]]:
    """(observations, up, down) by state as bits, the most recent first: straight from the definition."""
    bits = moves(candles, config)
    found: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for at in range(config.depth, len(bits)):
        path = "".join(str(bit) for bit in reversed(bits[at - config.depth : at]))
        found[path].append((bits[at], config.decay ** (len(bits) - 1 - at)))
    return {
        path: (len(seen), math.fsum(w for bit, w in seen if bit), math.fsum(w for bit, w in seen if not bit))
        for path, seen in found.items()
    }


@given(candles=histories, config=configs)
@settings(max_examples=150, deadline=None)
def test_update_when_bars_are_anything_then_the_counts_are_those_of_a_recount(
    candles: list[Candle], config: AsmbtrConfig
) -> None:
    table, expected = told(candles, config), recounted(candles, config)
    bits = moves(candles, config)
    assert (table.bars, table.moves, table.warm) == (len(candles), len(bits), len(bits) >= config.depth)
    if table.warm:
        assert f"{table.leaf:0{config.depth}b}" == "".join(str(bit) for bit in reversed(bits[-config.depth :]))
    for leaf in range(2**config.depth):
        seen, up, down = expected.get(f"{leaf:0{config.depth}b}", (0, 0.0, 0.0))
        observed, p_up, p_down = table.odds(leaf)
        assert observed == seen
        assert table.counts(leaf) == (pytest.approx(up, rel=1e-9), pytest.approx(down, rel=1e-9))
        if seen:
            assert (p_up, p_down) == (pytest.approx(up / (up + down)), pytest.approx(down / (up + down)))


@given(candles=walks(least=60, most=300), config=configs)
@settings(max_examples=100, deadline=None)
def test_vote_when_warm_then_it_follows_from_the_recount(candles: list[Candle], config: AsmbtrConfig) -> None:
    table = told(candles, config)
    if not table.warm:
        return
    said = vote(look(table, candles[-1]), config)
    seen, up, down = recounted(candles, config).get(f"{table.leaf:0{config.depth}b}", (0, 0.5, 0.5))
    lean = (up - down) / (up + down)
    assert (said.agent, said.symbol, said.ts_ms) == ("asmbtr", SYMBOL, candles[-1].ts_ms)
    facts = dict(said.facts)
    assert list(facts) == ["state", "observations", "p_up", "p_down", "stop_pct", "take_profit_pct"]
    assert (facts["state"], facts["observations"]) == (table.leaf, seen)
    assert facts["p_up"] - facts["p_down"] == pytest.approx(lean)
    assert (facts["stop_pct"], facts["take_profit_pct"]) == (config.stop_pct, config.take_profit_pct)
    if seen < config.min_observations:
        assert (said.action, said.confidence) == (Action.HOLD, 0.0)
        return
    assert said.confidence == pytest.approx(abs(lean))
    if abs(abs(lean) - config.threshold) > 1e-9:
        expected = Action.BUY if lean > 0 else Action.SELL
        assert said.action is (expected if abs(lean) > config.threshold else Action.HOLD)


def climbing(count: int, start: float = 100.0) -> list[Candle]:
    return [bar(at, start + at) for at in range(count)]


def last_vote(candles: Sequence[Candle], config: AsmbtrConfig) -> Vote:
    return vote(look(told(candles, config), candles[-1]), config)


def test_vote_when_its_state_was_seen_often_enough_then_and_not_before_it_votes() -> None:
    config = AsmbtrConfig(depth=6, min_observations=3)
    # 7 bars make 6 moves and so a state; each bar after that observes what followed "six up"
    assert [last_vote(climbing(n), config).action for n in (7, 8, 9, 10)] == [*[Action.HOLD] * 3, Action.BUY]
    said = last_vote(climbing(10), config)
    assert said.confidence == 1.0
    assert said.reason == "moves 111111 seen 3 times, then up 100.0%: P 1.00 apart, at least 0.1"
    assert last_vote(climbing(9), config).reason == "moves 111111 seen 2 of 3 times"
    falling = [bar(at, 100.0 - at) for at in range(10)]
    assert last_vote(falling, config).action is Action.SELL


def test_vote_when_the_odds_are_nearly_even_then_it_holds_and_says_how_nearly() -> None:
    config = AsmbtrConfig(depth=6, threshold=0.2, decay=0.999)
    # six rises and a fall, then eight rises and a fall: as many rises as falls follow six rises
    closes, price = [], 100.0
    for round_ in range(12):
        for step in [1.0] * (6 + 2 * (round_ % 2)) + [-1.0] * 2:
            price += step
            closes.append(price)
    closes += [price + step for step in (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)]
    said = last_vote([bar(at, close) for at, close in enumerate(closes)], config)
    assert dict(said.facts)["state"] == 0b111111
    assert said.action is Action.HOLD
    assert 0.0 < said.confidence < 0.2


def test_vote_when_what_followed_has_changed_then_the_newer_counts_more() -> None:
    def after(decay: float) -> float:
        # 40 times up after "six up", then 40 rounds of six up and a fall
        closes = [100.0 + at for at in range(47)]
        for _ in range(40):
            closes += [closes[-1] - 1.0] * 1
            closes += [closes[-1] + step for step in (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)]
        return dict(last_vote([bar(at, c) for at, c in enumerate(closes)], AsmbtrConfig(depth=6, decay=decay)).facts)[
            "p_down"
        ]

    plain = 40 / 80
    assert plain < after(0.999) < after(0.99)


def test_update_when_a_move_is_under_the_least_then_the_state_stays() -> None:
    config = AsmbtrConfig(depth=6, min_move=0.01)
    table = told([bar(at, 100.0 * 1.02**at) for at in range(20)], config)
    before = (table.leaf, table.moves)
    close = 100.0 * 1.02**19
    for at in range(20, 30):
        close *= 1.009
        table.update(bar(at, close))
    table.update(bar(30, close))
    assert (table.leaf, table.moves) == before
    table.update(bar(31, close * 0.98))
    assert (f"{table.leaf:06b}", table.moves) == ("011111", before[1] + 1)
    assert before == (0b111111, 19)


def test_required_when_moves_are_missing_then_it_tells_how_many_bars_it_takes_at_least() -> None:
    config = AsmbtrConfig(depth=6)
    table = MoveTable(config)
    assert table.required == 7
    for at in range(3):
        table.update(bar(at, 100.0 + at))
    assert (table.bars, table.required, table.warm) == (3, 7, False)
    for at in range(3, 13):
        table.update(bar(at, 102.0))
    assert (table.bars, table.required, table.warm) == (13, 17, False)
    for at in range(13, 17):
        table.update(bar(at, 103.0 + at))
    assert (table.bars, table.required, table.warm) == (17, 17, True)


@given(candles=histories, config=configs, cut=st.integers(0, 300))
@settings(max_examples=80, deadline=None)
def test_restore_when_cut_anywhere_then_it_goes_on_to_the_last_bit(
    candles: list[Candle], config: AsmbtrConfig, cut: int
) -> None:
    first, second = told(candles[:cut], config), told(candles[cut:][::-1], config)
    second.restore(msgspec.json.decode(msgspec.json.encode(first.state())))
    assert second.state() == first.state()
    for candle in candles[cut:]:
        first.update(candle)
        second.update(candle)
    assert second.state() == first.state()
    assert all(second.odds(leaf) == first.odds(leaf) for leaf in range(2**config.depth))
    assert (second.required, second.warm) == (first.required, first.warm)


def test_state_when_bars_are_many_then_it_is_bounded_by_the_leaves() -> None:
    config = AsmbtrConfig(depth=6)
    table = MoveTable(config)
    sizes = []
    price = 100.0
    for at in range(20_000):
        price *= 1.01 if (at * at) % 11 + at % 7 > 8 else 0.99
        table.update(Candle(SYMBOL, at * HOUR_MS, price, price, price, price, 1.0))
        if at in (10, 10_000, 19_999):
            sizes.append(len(msgspec.json.encode(table.state())))
    assert sizes[0] < sizes[1]
    assert sizes[2] <= 64 * 26 * 4 / 3 + 200


def test_restore_when_the_table_is_none_then_a_value_error() -> None:
    config = AsmbtrConfig(depth=6)
    state = told(climbing(20), config).state()
    for table in ("AAA", "AAAA", "%%%%"):
        with pytest.raises(ValueError, match=r"buffer size|base64|padding"):
            MoveTable(config).restore({**state, "table": table})
    deep = told(climbing(20), AsmbtrConfig(depth=8)).state()
    with pytest.raises(IndexError):
        MoveTable(config).restore(deep)


@pytest.mark.parametrize(
    ("field", "inside", "outside"),
    [
        ("depth", (6, 12), (5, 13)),
        ("threshold", (0.05, 0.2), (0.0499, 0.2001)),
        ("decay", (0.99, 0.999), (0.9899, 0.9991)),
        ("min_observations", (3, 10), (2, 11)),
        ("min_move", (0.0, 0.1), (-0.001, 0.101)),
        ("stop_pct", (0.3, 1.5), (0.29, 1.51)),
        ("take_profit_pct", (0.5, 2.5), (0.49, 2.51)),
    ],
)
def test_read_config_when_a_value_is_outside_its_range_then_it_is_refused(
    field: str, inside: tuple[float, float], outside: tuple[float, float]
) -> None:
    for value in inside:
        assert getattr(AsmbtrConfig.model_validate({field: value}), field) == value
    for value in (*outside, float("nan"), float("inf")):
        with pytest.raises(ValidationError):
            AsmbtrConfig.model_validate({field: value})
