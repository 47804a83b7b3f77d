"""No figure that is not a sane number gets past here: NaN and the infinities compare and add up to anything, and the
product of two very large or very small numbers is no number any more.

A proposal that carries one is refused; a mark or a trade that carries one is a broken adapter, and raises.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from fks_actors.errors import InvariantError
from fks_actors.model.orders import ZERO, Fill, Origin, Refusal
from fks_actors.model.records import Proposal
from fks_actors.risk.messages import RiskRequest

_NEEDED = ("market_price", "strength", "volatility")
_OPTIONAL = (
    "quantity", "limit_price", "stop_price", "trail_pct", "display_quantity", "protect_price", "target_price",
    "target",
)  # fmt: skip
_DIGITS = 30


def against_figures(proposal: Proposal) -> Iterator[Refusal]:
    """Every figure of the proposal that is no sane number, and an origin that proposes nothing."""
    for name in _strange(proposal):
        yield Refusal("figure_out_of_range", "a figure is no number, or too large or too small a one", name)
    if proposal.origin is Origin.EXTERNAL:
        yield Refusal("external_origin", "an order that is not the desk's is not proposed", proposal.origin)


def finite(proposal: Proposal) -> Proposal:
    """The proposal with every figure that is no sane number left out."""
    strange: dict[str, Any] = {name: ZERO if name in _NEEDED else None for name in _strange(proposal)}
    return replace(proposal, **strange) if strange else proposal


def must_be_finite(request: RiskRequest) -> None:
    """Marks and trades are numbers.

    Raises:
        InvariantError: one is not.
    """
    for symbol, mark in request.marks.items():
        if not is_sane(mark):
            raise InvariantError(f"the mark of {symbol} is {mark}")
    for event in request.events:
        if isinstance(event, Fill):
            figures = (event.price, event.quantity, event.fee, event.fee_quantity)
            if not all(is_sane(figure) for figure in figures):
                raise InvariantError(f"fill {event.trade_id} has a figure that is no number: {figures}")


def is_sane(figure: Decimal) -> bool:
    """Whether a figure is a number that others may be multiplied with."""
    return figure.is_finite() and (not figure or -_DIGITS < figure.adjusted() < _DIGITS)


def _strange(proposal: Proposal) -> Iterator[str]:
    for name in (*_NEEDED, *_OPTIONAL):
        figure: Decimal | None = getattr(proposal, name)
        if figure is not None and not is_sane(figure):
            yield name
