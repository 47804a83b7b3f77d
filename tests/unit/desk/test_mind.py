"""A mind's answers depend on the bars alone: not on repeats, on restarts, or on other symbols."""

import pickle

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from fks_actors.agents.config import AgentsConfig, AsmbtrConfig
from fks_actors.desk.crafts import bar_mind
from fks_actors.desk.mind import BarMind
from fks_actors.errors import DataError, MindAhead
from fks_actors.market.config import LongPeriods, MarketConfig, MidPeriods, ShortPeriods
from fks_actors.memory.config import MemoryConfig
from fks_actors.model.candles import BarBatch, Candle
from fks_actors.model.votes import Abstain, AbstainReason, Ballot, Vote
from tests.unit.bars import HOUR_MS, SYMBOL, bar, extremes, walks

MINDS = ("short_term", "mid_term", "long_term", "asmbtr")

MARKET = MarketConfig(
    short=ShortPeriods(warm_bars=40), mid=MidPeriods(warm_bars=50), long=LongPeriods(average=30, trend=20, warm_bars=40)
)
MEMORY = MemoryConfig(short=30, mid=70, long=500)


def mind(horizon: str = "short_term", market: MarketConfig = MARKET) -> BarMind:
    return bar_mind(horizon, market, MEMORY, AgentsConfig())


def batch(*candles: Candle) -> BarBatch:
    return BarBatch(candles[0].ts_ms, HOUR_MS, candles)


def tell(one: BarMind, candles: list[Candle]) -> list[Ballot]:
    return [ballot for candle in candles for ballot in one.ask(batch(candle))]


def test_ask_when_bars_are_few_then_abstains_and_says_how_many_are_missing() -> None:
    one = mind()
    ballots = tell(one, [bar(at) for at in range(40)])
    assert ballots[33] == Abstain("short_term", SYMBOL, 33 * HOUR_MS, AbstainReason.WARMING_UP, "34 of 40 bars")
    assert isinstance(ballots[39], Vote)
    assert one.bars(SYMBOL) == 40
    assert one.last_ms(SYMBOL) == 39 * HOUR_MS
    assert len(one.window(SYMBOL, 100)) == 30


@pytest.mark.parametrize("horizon", MINDS)
def test_ask_when_warm_then_votes_in_its_own_name_for_that_bar(horizon: str) -> None:
    one = mind(horizon)
    last = tell(one, [bar(at, 100.0 + at % 7) for at in range(60)])[-1]
    assert isinstance(last, Vote)
    assert (last.agent, last.symbol, last.ts_ms) == (horizon, SYMBOL, 59 * HOUR_MS)


def test_ask_when_the_same_bar_comes_again_then_the_same_ballot_and_nothing_is_observed() -> None:
    one = mind()
    candles = [bar(at, 100.0 + at % 7) for at in range(45)]
    last = tell(one, candles)[-1]
    before = one.state(SYMBOL)
    assert one.ask(batch(candles[-1])) == (last,)
    assert one.ask(batch(replace(candles[-1], close=candles[-1].high))) == (last,)
    assert not one.observe(candles[-1])
    assert one.state(SYMBOL) == before


def test_ask_when_one_symbols_bar_is_older_than_seen_then_refuses_all_and_observes_none() -> None:
    one = mind()
    tell(one, [bar(at) for at in range(5)])
    with pytest.raises(MindAhead) as caught:
        one.ask(BarBatch(3 * HOUR_MS, HOUR_MS, (bar(3, symbol="ETH/USDT"), bar(3))))
    assert (caught.value.symbol, caught.value.ts_ms, caught.value.last_ms) == (SYMBOL, 3 * HOUR_MS, 4 * HOUR_MS)
    assert one.bars("ETH/USDT") == 0
    with pytest.raises(MindAhead):
        one.observe(bar(3))
    copied = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 our own bytes
    assert (type(copied), str(copied)) == (MindAhead, str(caught.value))


def test_ask_when_figures_are_unusable_then_abstains_and_goes_on_undisturbed() -> None:
    one, undisturbed = mind(), mind()
    candles = [bar(at, 100.0 + at % 7) for at in range(50)]
    bad = replace(candles[20], close=float("nan"))
    ballots = tell(one, [*candles[:20], bad, *candles[21:]])
    assert isinstance(ballots[20], Abstain)
    assert ballots[20].reason is AbstainReason.BAD_DATA
    assert ballots[21:] == tell(undisturbed, [*candles[:20], *candles[21:]])[20:]


def test_ask_when_symbols_are_mixed_then_each_is_judged_as_if_alone() -> None:
    together, first, second = mind(), mind(), mind()
    one = [bar(at, 100.0 + at % 7) for at in range(60)]
    other = [bar(at, 3.0 + (at * at) % 5, symbol="ETH/USDT") for at in range(60)]
    ballots = [together.ask(BarBatch(a.ts_ms, HOUR_MS, (a, b))) for a, b in zip(one, other, strict=True)]
    assert ballots == list(zip(tell(first, one), tell(second, other), strict=True))


@pytest.mark.parametrize("horizon", MINDS)
@given(candles=st.one_of(walks(least=60, most=200), extremes(least=60, most=150)), cut=st.integers(1, 200))
@settings(max_examples=40, deadline=None)
def test_restore_when_cut_anywhere_then_later_ballots_are_the_same_bits(
    horizon: str, candles: list[Candle], cut: int
) -> None:
    straight, first, second = mind(horizon), mind(horizon), mind(horizon)
    expected = tell(straight, candles)
    cut = min(cut, len(candles))
    tell(first, candles[:cut])
    assert second.restore(SYMBOL, first.state(SYMBOL), candles)
    assert second.bars(SYMBOL) == cut
    assert second.last_ms(SYMBOL) == candles[cut - 1].ts_ms
    assert repr(second.ask(batch(candles[cut - 1]))) == repr((expected[cut - 1],))
    replayed = candles[cut:]
    for candle in replayed[:3]:
        second.observe(candle)
    assert repr(tell(second, replayed[3:])) == repr(expected[cut + 3 :])
    assert second.state(SYMBOL) == straight.state(SYMBOL)
    assert second.window(SYMBOL, 500).close.tolist() == straight.window(SYMBOL, 500).close.tolist()


@pytest.mark.parametrize("horizon", MINDS)
@given(candles=walks(least=80, most=160), other=walks(least=80, most=160), cut=st.integers(1, 79))
@settings(max_examples=20, deadline=None)
def test_ask_when_the_future_is_another_then_what_was_said_before_is_the_same(
    horizon: str, candles: list[Candle], other: list[Candle], cut: int
) -> None:
    changed = [*candles[:cut], *other[cut:]]
    assert repr(tell(mind(horizon), changed)[:cut]) == repr(tell(mind(horizon), candles)[:cut])


def test_restore_when_the_depth_of_a_state_changed_then_the_table_is_made_anew() -> None:
    candles = [bar(at, 100.0 + at % 7) for at in range(60)]
    made = [bar_mind("asmbtr", MARKET, MEMORY, AgentsConfig(asmbtr=AsmbtrConfig(depth=depth))) for depth in (8, 6, 6)]
    tell(made[0], candles[:50])
    assert not made[1].restore(SYMBOL, made[0].state(SYMBOL), candles)
    assert tell(made[2], candles)[-1:] == list(made[1].ask(batch(candles[-1])))
    assert made[1].state(SYMBOL) == made[2].state(SYMBOL)


def test_restore_when_periods_changed_then_computes_afresh_from_the_candles() -> None:
    candles = [bar(at, 100.0 + at % 7) for at in range(60)]
    old, new, straight = mind(), mind(market=MarketConfig()), mind(market=MarketConfig())
    tell(old, candles[:50])
    assert not new.restore(SYMBOL, old.state(SYMBOL), candles)
    assert tell(straight, candles)[-1:] == list(new.ask(batch(candles[-1])))
    assert new.state(SYMBOL) == straight.state(SYMBOL)


def test_restore_when_payload_or_candles_do_not_fit_then_a_data_error_and_nothing_changed() -> None:
    one, other = mind(), mind()
    tell(one, [bar(at) for at in range(5)])
    payload = one.state(SYMBOL)
    shapes = msgspec.json.decode(payload)
    shapes["features"]["parts"].pop()
    for wrong in (b"", b"[]", b"{", b'{"periods": 1}', msgspec.json.encode(shapes)):
        with pytest.raises(DataError, match="cannot be read"):
            other.restore(SYMBOL, wrong, [bar(4)])
    for missing in ([], [bar(at) for at in range(4)]):
        with pytest.raises(DataError, match="do not end"):
            other.restore(SYMBOL, payload, missing)
    assert other.bars(SYMBOL) == 0
    with pytest.raises(DataError, match="no bar"):
        other.state(SYMBOL)


def test_forget_when_a_symbol_was_seen_then_it_begins_anew() -> None:
    one = mind()
    tell(one, [bar(at) for at in range(5)])
    one.forget(SYMBOL)
    assert (one.bars(SYMBOL), one.last_ms(SYMBOL), len(one.window(SYMBOL, 5))) == (0, None, 0)
    assert one.observe(bar(0))
