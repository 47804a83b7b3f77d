"""What holding costs at the paper venue: funding of positions, and interest on owed cash. Pure.

Funding     every `funding_hours` of UTC a position pays, as a long of a perpetual does where the rate is above zero
                amount = quantity x price x funding_bps_per_day / 10^4 x funding_hours / 24
            A bar is charged for the instants after its open, up to and with its close: what was bought at the open was
            held since, what is sold at the next open was held until then. Quantity: the most that was held after the
            open's trades; price: the close. Instants between two bars (a gap): what was held at the first bar's close,
            at the second one's open. A rate that pays the holder is not offered.
Borrow      amount = owed x borrow_bps_per_day / 10^4 x elapsed / day,  owed = what cash is below zero
            The larger of what was owed after the open's trades and at the close. Orders never make a debt, so only
            funding that took more than the cash does.

Nothing is charged beyond what the account is worth at the closes. Charges are stamped with the bar's close.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from fks_actors.execution.config import PaperConfig
from fks_actors.model.account import Account
from fks_actors.model.candles import BarBatch, Candle, to_money
from fks_actors.model.orders import ZERO, Charge, ChargeKind, Fill, VenueEvent

CASH = ""
"""Under which owed cash stands among the symbols."""

DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
_BPS = Decimal(10_000)


def charges(
    config: PaperConfig,
    before: Account,
    events: Sequence[VenueEvent],
    batch: BarBatch,
    fresh: Mapping[str, Candle],
    since: Mapping[str, int],
    prices: Mapping[str, Decimal],
) -> tuple[Charge, ...]:
    """What the bars cost their holder.

    Args:
        config: the rates, and the venue's name.
        before: the account before the bars.
        events: what the bars did.
        batch: when they opened and closed.
        fresh: those that the venue took, by symbol.
        since: up to when each symbol, and owed cash, was charged before (UTC ms).
        prices: the last closes, in quote.
    """
    after = before
    fills = [event for event in events if isinstance(event, Fill)]
    for fill in (f for f in fills if f.ts_ms <= batch.ts_ms):
        after = after.applied(fill)
    most = {symbol: position.quantity for symbol, position in after.positions.items()}
    opened_cash = after.cash
    for fill in (f for f in fills if f.ts_ms > batch.ts_ms):
        after = after.applied(fill)
        most[fill.symbol] = max(most.get(fill.symbol, ZERO), after.position(fill.symbol).quantity)
    owed = max(-opened_cash, -after.cash, ZERO)
    worth = max(after.equity(prices), ZERO)
    found: list[Charge] = []
    for kind, symbol, amount in _due(config, before, most, owed, batch, fresh, since):
        amount = min(amount, worth)
        if amount > 0:
            worth -= amount
            name = f"{kind}-{symbol or 'cash'}-{batch.close_ms}"
            found.append(Charge(name, config.name, symbol, kind, amount, batch.close_ms))
    return tuple(found)


def _due(
    config: PaperConfig,
    before: Account,
    most: Mapping[str, Decimal],
    owed: Decimal,
    batch: BarBatch,
    fresh: Mapping[str, Candle],
    since: Mapping[str, int],
) -> Iterator[tuple[ChargeKind, str, Decimal]]:
    step = config.funding_hours * _HOUR_MS
    rate = config.funding_bps_per_day / _BPS * config.funding_hours / 24
    for symbol, candle in fresh.items():
        gap = batch.ts_ms // step - since.get(symbol, batch.ts_ms) // step
        inside = batch.close_ms // step - batch.ts_ms // step
        value = ZERO
        if gap > 0:
            value += before.position(symbol).quantity * to_money(candle.open) * gap
        if inside > 0:
            value += most.get(symbol, ZERO) * to_money(candle.close) * inside
        if value:
            yield ChargeKind.FUNDING, symbol, value * rate
    if owed:
        elapsed = Decimal(max(batch.close_ms - since.get(CASH, batch.ts_ms), 0))
        yield ChargeKind.BORROW, CASH, owed * config.borrow_bps_per_day / _BPS * elapsed / DAY_MS
