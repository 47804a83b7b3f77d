"""Synthetic orders: triggers, trails, and the law of the pair."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from fks_actors.errors import InvariantError
from fks_actors.execution.config import PaperConfig, default_rules
from fks_actors.execution.slices import Slice, least
from fks_actors.execution.synthetic import (
    NO_BAND,
    Cancel,
    End,
    Leg,
    Pair,
    Send,
    Trail,
    band,
    entered,
    falls,
    followed,
    left_of,
    next_move,
    observed,
    pair_band,
    seen_by,
    stop_of,
    touched,
)
from fks_actors.model.orders import ZERO, OrderIntent, OrderType, Side
from tests.unit.execution.cases import BTC, limit, order, stop

RULES = default_rules(BTC, PaperConfig())
BUY, SELL = Side.BUY, Side.SELL
TAKE_PROFIT, TRAILING_STOP = OrderType.TAKE_PROFIT, OrderType.TRAILING_STOP

cents = st.integers(5_000, 20_000).map(lambda n: Decimal(n) / 100)


def trailing(side: Side, pct: str = "5", **figures: object) -> OrderIntent:
    return order(side, order_type=TRAILING_STOP, trail_pct=Decimal(pct), **figures).intent


@pytest.mark.parametrize(
    ("side", "kind", "price", "reached"),
    [
        (SELL, OrderType.STOP_LOSS, "95", True),
        (SELL, OrderType.STOP_LOSS, "95.01", False),
        (BUY, OrderType.STOP_LOSS, "95", True),
        (BUY, OrderType.STOP_LOSS, "94.99", False),
        (SELL, TAKE_PROFIT, "95", True),
        (SELL, TAKE_PROFIT, "94.99", False),
        (BUY, TAKE_PROFIT, "95", True),
        (BUY, TAKE_PROFIT, "95.01", False),
    ],
)
def test_touched_when_the_price_is_at_or_beyond_the_stop_then_is_true(
    side: Side, kind: OrderType, price: str, reached: bool
) -> None:
    intent = stop(side, "95", order_type=kind).intent
    assert touched(intent, Decimal(price)) is reached


@pytest.mark.parametrize(("side", "price"), [(BUY, "99"), (SELL, "101")])
def test_touched_when_a_limit_would_trade_then_is_true(side: Side, price: str) -> None:
    assert touched(limit(side, "100").intent, Decimal(price))
    assert touched(limit(side, "100").intent, Decimal(100))
    assert not touched(limit(side, price).intent, Decimal(100))


def test_touched_when_the_order_waits_for_no_price_then_is_false() -> None:
    assert not touched(order().intent, Decimal(100))


@pytest.mark.parametrize(("side", "best", "expected"), [(SELL, "100.01", "95.01"), (BUY, "99.99", "104.98")])
def test_stop_of_a_trail_when_off_the_tick_then_lies_nearer_to_the_price(side: Side, best: str, expected: str) -> None:
    # 100.01 x 0.95 = 95.0095; 99.99 x 1.05 = 104.9895
    assert stop_of(trailing(side), Trail(Decimal(best)), RULES) == Decimal(expected)


def test_stop_of_when_nothing_trails_then_raises() -> None:
    with pytest.raises(InvariantError):
        stop_of(order().intent, Trail(Decimal(100)), RULES)


@given(st.sampled_from(Side), st.lists(cents, min_size=1), st.decimals("0.1", "60", places=1))
def test_trail_when_prices_come_then_only_ever_tightens_and_remembers_the_best(
    side: Side, prices: list[Decimal], pct: Decimal
) -> None:
    intent = trailing(side, str(pct))
    trail = Trail(prices[0])
    for price in prices:
        after = followed(intent, trail, price)
        before, now = stop_of(intent, trail, RULES), stop_of(intent, after, RULES)
        assert now >= before if side is SELL else now <= before
        trail = after
    assert trail.best == (max(prices) if side is SELL else min(prices))
    exact = trail.best * (1 - pct / 100 if side is SELL else 1 + pct / 100)
    assert ZERO <= (now - exact if side is SELL else exact - now) < RULES.tick


def test_leg_when_touched_then_stays_triggered_wherever_the_price_goes() -> None:
    leg = entered(stop(SELL, "95").intent)
    assert not observed(leg, Decimal(96), RULES).triggered
    hit = observed(leg, Decimal(95), RULES)
    assert hit.triggered
    assert observed(hit, Decimal(120), RULES) is hit


kinds = st.sampled_from(
    [
        *(stop(side, "100", order_type=kind).intent for side in Side for kind in (OrderType.STOP_LOSS, TAKE_PROFIT)),
        *(trailing(side) for side in Side),
        *(limit(side, "100").intent for side in Side),
    ]
)


@given(kinds, st.lists(cents, max_size=20), cents)
def test_band_when_the_price_stays_inside_then_nothing_changes_and_beyond_its_edges_something_does(
    intent: OrderIntent, prices: list[Decimal], price: Decimal
) -> None:
    leg = entered(intent)
    for seen in prices:
        leg = observed(leg, seen, RULES)
    low, high = band(leg, RULES)
    reached = not leg.triggered and leg.trail is None and touched(intent, price)
    changes = observed(leg, price, RULES) != leg or reached
    if low < price < high:
        assert not changes
    elif price not in (low, high):
        assert changes


def test_band_when_the_leg_is_cancelled_or_a_pair_then_is_open_or_what_both_share() -> None:
    one, other = entered(stop(SELL, "95").intent), entered(limit(SELL, "110").intent)
    assert band(replace(one, cancelled=True), RULES) == NO_BAND
    assert pair_band(Pair(one, other), RULES) == (Decimal(95), Decimal(110))


# --- the pair ---


def pair(resident: str = "", quantity: str = "1", second: OrderIntent | None = None) -> Pair:
    target = second or limit(SELL, "110", quantity, client_order_id="fks-b", oco_id="fks-a").intent
    return Pair(
        entered(stop(SELL, "90", quantity, client_order_id="fks-a", oco_id="fks-b").intent), entered(target), resident
    )


def at(given: Pair, price: str) -> Pair:
    return seen_by(given, Decimal(price), RULES)


def test_pair_when_the_price_is_between_then_only_the_resident_is_sent() -> None:
    assert next_move(pair(), Decimal(100), RULES) is None
    assert next_move(pair("fks-a"), Decimal(100), RULES) == Send("fks-a", 0, Decimal(1), OrderType.STOP_LOSS)
    assert next_move(pair("fks-b"), Decimal(100), RULES) == Send("fks-b", 0, Decimal(1), OrderType.LIMIT)


def test_pair_when_the_stop_is_touched_then_the_targets_cancel_comes_before_the_market_order() -> None:
    resting = replace(pair("fks-b"), second=replace(pair().second, sent=(Slice(0, Decimal(1)),)))
    hit = at(resting, "90")
    assert next_move(hit, Decimal(90), RULES) == Cancel("fks-b", 0)
    asked = replace(hit, second=replace(hit.second, sent=(Slice(0, Decimal(1), cancelling=True),)))
    assert next_move(asked, Decimal(90), RULES) is None
    part = Slice(0, Decimal(1), Decimal("0.4"), ended=True, cancelling=True)
    ended = replace(hit, second=replace(hit.second, sent=(part,)))
    assert next_move(ended, Decimal(105), RULES) == Send("fks-a", 0, Decimal("0.6"), OrderType.MARKET)


def test_pair_when_one_leg_filled_then_ends_the_other_and_sends_nothing() -> None:
    done = pair()
    done = replace(done, second=replace(done.second, sent=(Slice(0, Decimal(1), Decimal(1), ended=True),)))
    assert next_move(at(done, "80"), Decimal(80), RULES) == End()


def test_pair_when_the_rest_is_too_small_for_the_venue_then_ends() -> None:
    done = pair()
    done = replace(done, second=replace(done.second, sent=(Slice(0, Decimal(1), Decimal("0.99"), ended=True),)))
    assert next_move(done, Decimal(110), RULES) == End()


def test_pair_when_the_price_left_the_target_then_the_stop_rests_again_for_what_is_left() -> None:
    near = pair("fks-a")
    near = replace(near, second=replace(near.second, sent=(Slice(0, Decimal(1), Decimal("0.4")),)))
    assert next_move(near, Decimal(111), RULES) is None
    assert next_move(near, Decimal(100), RULES) == Cancel("fks-b", 0)
    back = replace(near, second=replace(near.second, sent=(Slice(0, Decimal(1), Decimal("0.4"), ended=True),)))
    assert next_move(back, Decimal(100), RULES) == Send("fks-a", 0, Decimal("0.6"), OrderType.STOP_LOSS)


def test_pair_when_a_leg_is_cancelled_then_the_other_goes_on_alone() -> None:
    given = pair("fks-a")
    given = replace(given, first=replace(given.first, cancelled=True, sent=(Slice(0, Decimal(1)),)))
    assert next_move(given, Decimal(100), RULES) == Cancel("fks-a", 0)
    ended = replace(given, first=replace(given.first, sent=(Slice(0, Decimal(1), ended=True),)))
    assert next_move(ended, Decimal(110), RULES) == Send("fks-b", 0, Decimal(1), OrderType.LIMIT)
    assert next_move(at(ended, "80"), Decimal(80), RULES) is None
    both = replace(ended, second=replace(ended.second, cancelled=True))
    assert next_move(both, Decimal(110), RULES) == End()


def test_pair_when_an_ended_order_turns_out_to_have_traded_then_the_working_one_is_cancelled_and_sized_anew() -> None:
    hit = at(pair(), "90")
    late = replace(hit.second, sent=(Slice(0, Decimal(1), Decimal("0.4"), ended=True),))
    stop_now = replace(hit.first, sent=(Slice(0, Decimal(1)),))
    assert next_move(replace(hit, first=stop_now, second=late), Decimal(90), RULES) == Cancel("fks-a", 0)
    stop_then = replace(hit.first, sent=(Slice(0, Decimal(1), ended=True),))
    after = replace(hit, first=stop_then, second=late)
    assert next_move(after, Decimal(90), RULES) == Send("fks-a", 1, Decimal("0.6"), OrderType.MARKET)


class PairMachine(RuleBasedStateMachine):
    """A venue that answers when it likes, fills what it likes and lets the connector die between any two steps."""

    def __init__(self) -> None:
        super().__init__()
        self.pair = pair()
        self.price = Decimal(100)
        self.over = False

    @rule(resident=st.sampled_from(["", "fks-a", "fks-b"]), trails=st.booleans(), quantity=st.integers(10, 400))
    def begin(self, resident: str, trails: bool, quantity: int) -> None:
        if self.pair != pair():
            return
        size = str(Decimal(quantity) / 100)
        self.pair = pair(resident, size)
        if trails:
            self.pair = replace(self.pair, first=entered(trailing(SELL, quantity=size)))

    @rule(price=st.sampled_from([80, 88, 90, 91, 100, 109, 110, 115]), steps=st.integers(0, 3))
    def market(self, price: int, steps: int) -> None:
        self.price = Decimal(price)
        self.pair = seen_by(self.pair, self.price, RULES)
        self.connector(steps)

    def connector(self, steps: int) -> None:
        for _ in range(steps):
            move = next_move(self.pair, self.price, RULES)
            assert move == next_move(replace(self.pair), self.price, RULES)
            if isinstance(move, Send):
                assert not self.over
                assert move.quantity >= least(self.price, RULES)
                assert not self.working()
                self.change(move.client_order_id, lambda leg, m=move: (*leg.sent, Slice(m.k, m.quantity)))
            elif isinstance(move, Cancel):
                self.each(move.client_order_id, move.k, cancelling=True)
            elif isinstance(move, End):
                assert not self.working()
                self.over = True

    @rule(share=st.sampled_from([1, 30, 50, 100]), late=st.booleans(), steps=st.integers(0, 3))
    def fill(self, share: int, late: bool, steps: int) -> None:
        for leg, working in self.working():
            filled = RULES.floor_quantity(working.filled + (working.quantity - working.filled) * share / 100)
            ended = filled == working.quantity and not late
            self.each(leg.intent.client_order_id, working.k, filled=filled, ended=ended)
        self.connector(steps)

    @rule(steps=st.integers(0, 3))
    def confirm(self, steps: int) -> None:
        for leg, working in self.working():
            if working.cancelling or working.filled == working.quantity:
                self.each(leg.intent.client_order_id, working.k, ended=True)
        self.connector(steps)

    @rule(which=st.sampled_from(["fks-a", "fks-b"]), chance=st.integers(0, 9))
    def cancelled_by_the_desk(self, which: str, chance: int) -> None:
        if chance != 7:
            return
        first, second = self.pair.first, self.pair.second
        if first.intent.client_order_id == which:
            self.pair = replace(self.pair, first=replace(first, cancelled=True))
        else:
            self.pair = replace(self.pair, second=replace(second, cancelled=True))

    @invariant()
    def both_legs_together_never_trade_more_than_the_shared_quantity(self) -> None:
        legs = (self.pair.first, self.pair.second)
        shared = legs[0].intent.quantity
        filled = sum((s.filled for leg in legs for s in leg.sent), ZERO)
        open_now = sum((s.quantity - s.filled for _, s in self.working()), ZERO)
        assert filled + open_now <= shared
        assert left_of(self.pair) == shared - filled
        assert len(self.working()) <= 1

    def working(self) -> list[tuple[Leg, Slice]]:
        return [(leg, s) for leg in (self.pair.first, self.pair.second) for s in leg.sent if not s.ended]

    def change(self, client_order_id: str, sent: object) -> None:
        assert callable(sent)
        for name in ("first", "second"):
            leg = getattr(self.pair, name)
            if leg.intent.client_order_id == client_order_id:
                self.pair = replace(self.pair, **{name: replace(leg, sent=tuple(sent(leg)))})

    def each(self, client_order_id: str, k: int, **figures: object) -> None:
        self.change(client_order_id, lambda leg: [replace(s, **figures) if s.k == k else s for s in leg.sent])


PairMachine.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestPairLaws = PairMachine.TestCase


def test_falls_when_asked_then_tells_which_way_the_price_comes() -> None:
    assert falls(stop(SELL, "90").intent)
    assert falls(limit(BUY, "90").intent)
    assert falls(trailing(SELL))
    assert not falls(stop(SELL, "110", order_type=TAKE_PROFIT).intent)
    assert not falls(trailing(BUY))
