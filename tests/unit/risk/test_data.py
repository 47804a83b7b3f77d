"""Data that is not trusted: risk is told, and it is risk that refuses; what lowers exposure goes on."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from fks_actors.model.orders import Approved, Denied, OrderType, Origin, Refusal, Side
from fks_actors.model.records import Proposal
from fks_actors.risk.messages import Doubt, RiskRequest, RiskState
from tests.unit.risk.cases import BTC, ETH, T0, codes, propose, signal, start, step

PAUSED = Doubt(Refusal("data_quality", "trading pauses", "1", "0.1"))
ABSURD = Doubt(Refusal("implausible", "nobody else shows it", "-60.00%", "-50.00%"), BTC, both_sides=True)


def against(proposal: Proposal, *doubts: Doubt, state: RiskState | None = None) -> list[str]:
    """The codes that speak against the proposal; empty where it is approved."""
    request = RiskRequest(T0, {ETH: Decimal(10)}, proposals=(proposal,), doubts=doubts)
    _, reply = step(state or start(btc="5"), request)
    ruling = reply.rulings[0]
    assert isinstance(ruling, Approved | Denied)
    return [r.code for r in ruling.reasons] if isinstance(ruling, Denied) else []


def test_rule_when_data_are_doubted_then_buys_of_both_ways_are_refused_and_sells_are_not() -> None:
    assert against(propose(Side.SELL), PAUSED) == []
    assert against(propose(), PAUSED, state=start()) == ["data_quality"]
    assert against(signal(quantity=Decimal(1)), PAUSED) == ["data_quality"]
    limit = signal(order_type=OrderType.LIMIT, limit_price=Decimal(99), quantity=Decimal(1))
    assert against(limit, PAUSED) == ["data_quality"]
    assert against(signal(Side.SELL, quantity=Decimal(1)), PAUSED) == []


def test_rule_when_one_symbol_is_doubted_then_the_others_are_bought() -> None:
    doubt = Doubt(PAUSED.refusal, ETH)
    assert against(signal(quantity=Decimal(1)), doubt) == []
    assert against(signal(symbol=ETH, quantity=Decimal(1)), doubt) == ["data_quality"]


def test_rule_when_a_price_is_implausible_then_nothing_trades_at_it_but_what_names_its_own_price_may() -> None:
    for kind in ({}, {"order_type": OrderType.TWAP, "duration_ms": 1_000, "slices": 1}):
        assert against(signal(Side.SELL, quantity=Decimal(1), **kind), ABSURD) == ["implausible"]
    assert against(propose(Side.SELL), ABSURD) == ["implausible"]
    trail = {"order_type": OrderType.TRAILING_STOP, "trail_pct": Decimal(2)}
    assert against(signal(Side.SELL, quantity=Decimal(1), **trail), ABSURD) == ["implausible"]
    stop = {"order_type": OrderType.STOP_LOSS, "stop_price": Decimal(95)}
    assert against(signal(Side.SELL, quantity=Decimal(1), **stop), ABSURD) == []
    limit = {"order_type": OrderType.LIMIT, "limit_price": Decimal(105)}
    assert against(signal(Side.SELL, quantity=Decimal(1), **limit), ABSURD) == []
    assert against(signal(quantity=Decimal(1), symbol=ETH), ABSURD) == []


def test_rule_when_data_are_doubted_then_a_protective_leg_is_never_held_up() -> None:
    trail = {"order_type": OrderType.TRAILING_STOP, "trail_pct": Decimal(2), "quantity": Decimal(1)}
    assert against(propose(Side.SELL, origin=Origin.EXIT, **trail), PAUSED, ABSURD) == []


def test_rule_when_other_limits_speak_too_then_all_are_listed() -> None:
    huge = signal(quantity=Decimal(50))
    assert codes(start(), huge) == ["per_trade_cap"]
    assert against(huge, PAUSED, state=start()) == ["data_quality", "per_trade_cap"]


proposals = st.builds(
    propose,
    st.sampled_from(list(Side)),
    st.integers(0, 1_000_000),
    origin=st.sampled_from([Origin.CYCLE, Origin.SIGNAL, Origin.EXIT]),
    symbol=st.sampled_from([BTC, ETH]),
    order_type=st.sampled_from(list(OrderType)),
    quantity=st.one_of(st.none(), st.decimals("0.01", "5", places=2)),
    limit_price=st.just(Decimal(100)),
    stop_price=st.just(Decimal(100)),
)


@given(st.lists(proposals, max_size=8, unique_by=lambda p: p.client_order_id))
def test_rule_when_data_are_doubted_then_no_sequence_of_proposals_reserves_cash(asked: list[Proposal]) -> None:
    request = RiskRequest(T0, {ETH: Decimal(10)}, proposals=tuple(asked), doubts=(PAUSED,))
    after, reply = step(start(btc="5"), request)
    assert not any(held.quote for held in after.reservations.values())
    assert not [r for r in reply.rulings if isinstance(r, Approved) and r.intent.side is Side.BUY]
