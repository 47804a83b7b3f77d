"""What the risk tests are made of."""

from collections.abc import Mapping
from decimal import Decimal

from fks_actors.model.account import Account, Position
from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import Approved, Denied, Fill, Liquidity, OrderType, Origin, Side
from fks_actors.model.records import Proposal
from fks_actors.risk.config import RiskConfig
from fks_actors.risk.engine import rule
from fks_actors.risk.messages import RiskReply, RiskRequest, RiskState

DAY_MS = 86_400_000
T0 = 20_000 * DAY_MS + 3_600_000
BTC = "BTC/USDT"
ETH = "ETH/USDT"
CONFIG = RiskConfig()


def rules(symbol: str) -> MarketRules:
    base, _, quote = symbol.partition("/")
    fee = Decimal("0.001")
    return MarketRules(
        symbol, base, quote, Decimal("0.01"), Decimal("0.00001"), Decimal("0.00001"), Decimal(5), fee, fee
    )


VENUES = ("paper", "binance")
MARKETS: Mapping[str, Mapping[str, MarketRules]] = {v: {s: rules(s) for s in (BTC, ETH)} for v in VENUES}


def start(cash: str = "10000", btc: str = "0", price: str = "100") -> RiskState:
    """A state that holds `btc` bought at `price`, with one request behind it."""
    positions = {BTC: Position(BTC, Decimal(btc), Decimal(price))} if Decimal(btc) else {}
    return step(RiskState({"paper": Account(Decimal(cash), positions)}), RiskRequest(T0, {BTC: Decimal(price)}))[0]


def step(state: RiskState, request: RiskRequest, config: RiskConfig = CONFIG) -> tuple[RiskState, RiskReply]:
    return rule(state, request, config, MARKETS)


def propose(side: Side = Side.BUY, n: int = 0, **figures: object) -> Proposal:
    """A verdict's proposal, or with `origin=SIGNAL` a signal's."""
    fields: dict[str, object] = {
        "client_order_id": f"fks-{n}",
        "origin": Origin.CYCLE,
        "origin_id": f"o{n}",
        "venue": "paper",
        "symbol": BTC,
        "side": side,
        "order_type": OrderType.MARKET,
        "ts_ms": T0,
        "market_price": Decimal(100),
        "strength": Decimal(1),
        **figures,
    }
    return Proposal(**fields)  # type: ignore[arg-type]


def signal(side: Side = Side.BUY, n: int = 0, **figures: object) -> Proposal:
    return propose(side, n, origin=Origin.SIGNAL, **figures)


def ruled(state: RiskState, *proposals: Proposal, config: RiskConfig = CONFIG) -> tuple[RiskState, RiskReply]:
    return step(state, RiskRequest(T0, proposals=proposals), config)


def codes(state: RiskState, proposal: Proposal, config: RiskConfig = CONFIG) -> list[str]:
    """The codes of the limits that speak against `proposal`; empty where it is approved."""
    _, reply = ruled(state, proposal, config=config)
    ruling = reply.rulings[0]
    if isinstance(ruling, Approved):
        return []
    assert isinstance(ruling, Denied)
    return [r.code for r in ruling.reasons]


def approved(state: RiskState, proposal: Proposal, config: RiskConfig = CONFIG) -> tuple[RiskState, Approved]:
    after, reply = ruled(state, proposal, config=config)
    ruling = reply.rulings[0]
    assert isinstance(ruling, Approved), ruling
    return after, ruling


def fill(
    ruling: Approved,
    quantity: Decimal | None = None,
    price: Decimal | None = None,
    n: int = 1,
    fee_asset: str = "",
) -> Fill:
    """A trade of an approved order; a tenth of a percent of it is the fee, in quote or in `fee_asset`."""
    intent = ruling.intent
    traded = intent.quantity if quantity is None else quantity
    at = intent.market_price if price is None else price
    return Fill(
        f"{intent.client_order_id}-{n}",
        intent.client_order_id,
        intent.venue,
        intent.symbol,
        intent.side,
        at,
        traded,
        at * traded * Decimal("0.001"),
        Liquidity.TAKER,
        intent.ts_ms,
        fee_asset,
        traded * Decimal("0.001") if fee_asset else Decimal(0),
    )
