"""What the desk itself can be told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from fks_actors.market.config import QualityConfig
from fks_actors.model.markets import MarketRules
from fks_actors.reflection.config import ReflectionConfig

PAPER = "paper"


@dataclass(frozen=True, slots=True)
class VenuePlan:
    """One venue as the desk sees it.

    `exchange` is another name under which alerts may call it. A `real` venue lives outside the journal: its connector
    tells what happens there, and its silence does not stop the desk. `markets` are the rules of what can be traded
    there; `claims` the symbols whose orders go there unless an alert names an exchange. `mode`, for people, is what is
    at stake there: paper, simulator, sandbox or live.
    """

    name: str = PAPER
    exchange: str = PAPER
    real: bool = False
    markets: Mapping[str, MarketRules] = field(default_factory=dict)
    claims: tuple[str, ...] = ()
    mode: str = PAPER


@dataclass(frozen=True, slots=True)
class DeskConfig:
    """The venues in the order of preference, how orders are routed, and the rooms' figures that the desk needs itself.

    `best_price`: a market order goes to the venue with the best price after fees. `per_trade_pct`: the
    largest order, in percent of equity (risk's own cap; it tells the minds what is at stake). `reflection`: how the
    minds are scored.
    """

    venues: tuple[VenuePlan, ...] = (VenuePlan(),)
    default: str = PAPER
    best_price: bool = False
    quality: QualityConfig = field(default_factory=QualityConfig)
    per_trade_pct: Decimal = Decimal(5)
    reflection: ReflectionConfig = field(default_factory=ReflectionConfig)

    def plan(self, venue: str) -> VenuePlan:
        """The venue's plan. One that is configured no more is a real venue that trades nothing and never answers."""
        return next((plan for plan in self.venues if plan.name == venue), VenuePlan(venue, venue, True))


def venue_owner(venue: str) -> str:
    """The name under which a venue's state stands in the journal's snapshots."""
    return f"venue:{venue}"


def mind_owner(agent: str, symbol: str) -> str:
    """The name under which a mind's state for one symbol stands in the journal's snapshots."""
    return f"mind:{agent}:{symbol}"
