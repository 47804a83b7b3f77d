"""The trading-state ladder: ACTIVE -> REDUCING -> HALTED. Limits only tighten it; an operator or a new day loosens it.

    daily loss >= max_daily_loss_pct of the day's start   REDUCING until the next UTC day
    drawdown   >= drawdown_reducing_pct of the peak       REDUCING until an operator resumes
    drawdown   >= drawdown_halt_pct of the peak           HALTED   until an operator resumes
    a trade that the books cannot explain                 HALTED   until an operator resumes

The day starts with the last equity known before it, so that a loss over midnight counts. An operator's word always
applies, after the limits. One that loosens re-arms them: peak and day start become the present equity, else the same
breach would trip at once; the ControlRecord's reason says so.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal

from msgspec.structs import replace

from fks_actors.model.orders import ZERO, Fill
from fks_actors.model.records import ControlRecord, TradingState
from fks_actors.risk.config import RiskConfig
from fks_actors.risk.limits import printed
from fks_actors.risk.messages import RiskState

DAY_MS = 86_400_000
DAILY_LOSS = "daily_loss"
DRAWDOWN = "drawdown"
NEW_DAY = "new_day"
BOOKS = "books"
_RANK = {TradingState.ACTIVE: 0, TradingState.REDUCING: 1, TradingState.HALTED: 2}

Changes = tuple[ControlRecord, ...]


def loss_pct(start: Decimal, equity: Decimal) -> Decimal:
    """How much of `start` is gone, in percent; 0 where nothing is, or nothing was."""
    return (start - equity) / start * 100 if start > equity and start > 0 else ZERO


def measured(state: RiskState, before: Callable[[], Decimal], equity: Decimal, ts_ms: int) -> tuple[RiskState, Changes]:
    """Peak and day brought to `ts_ms`; a new UTC day ends what the daily limit did. `before` tells the last equity."""
    if equity > state.peak_equity:
        state = replace(state, peak_equity=equity)
    if state.day_start_equity <= 0:
        return replace(state, day_ms=_day(ts_ms), day_start_equity=equity), ()
    if _day(ts_ms) <= state.day_ms:
        return state, ()
    state = replace(state, day_ms=_day(ts_ms), day_start_equity=before())
    if state.trading is TradingState.REDUCING and state.trading_by == DAILY_LOSS:
        return _turned(state, ControlRecord(ts_ms, TradingState.ACTIVE, NEW_DAY, "the daily loss limit starts anew"))
    return state, ()


def limited(state: RiskState, equity: Decimal, ts_ms: int, config: RiskConfig) -> tuple[RiskState, Changes]:
    """The state after the loss limits; they only tighten."""
    if state.trading is TradingState.HALTED:
        return state, ()
    drawdown = loss_pct(state.peak_equity, equity)
    if drawdown >= config.drawdown_halt_pct:
        reason = _reason("drawdown", drawdown, config.drawdown_halt_pct)
        return _turned(state, ControlRecord(ts_ms, TradingState.HALTED, DRAWDOWN, reason))
    free = state.trading is TradingState.ACTIVE
    if drawdown >= config.drawdown_reducing_pct and (free or state.trading_by == DAILY_LOSS):
        reason = _reason("drawdown", drawdown, config.drawdown_reducing_pct)
        return _turned(state, ControlRecord(ts_ms, TradingState.REDUCING, DRAWDOWN, reason))
    lost = loss_pct(state.day_start_equity, equity)
    if free and lost >= config.max_daily_loss_pct:
        reason = _reason("daily loss", lost, config.max_daily_loss_pct)
        return _turned(state, ControlRecord(ts_ms, TradingState.REDUCING, DAILY_LOSS, reason))
    return state, ()


def doubted(state: RiskState, oversold: Sequence[Fill], ts_ms: int) -> tuple[RiskState, Changes]:
    """The state after trades that sold more than the books held."""
    if not oversold or state.trading is TradingState.HALTED:
        return state, ()
    first = oversold[0]
    reason = f"trade {first.trade_id} of {first.client_order_id} sold more {first.symbol} than the books held"
    return _turned(state, ControlRecord(ts_ms, TradingState.HALTED, BOOKS, reason))


def controlled(state: RiskState, equity: Decimal, control: ControlRecord | None) -> tuple[RiskState, Changes]:
    """The state after an operator's word."""
    if control is None:
        return state, ()
    if _RANK[control.state] < _RANK[state.trading]:
        state = replace(state, peak_equity=equity, day_start_equity=equity)
        note = f"re-armed: peak and day start set to equity {printed(equity)}"
        control = replace(control, reason=f"{control.reason} ({note})" if control.reason else note)
    return _turned(state, control)


def _turned(state: RiskState, change: ControlRecord) -> tuple[RiskState, Changes]:
    turned = replace(state, trading=change.state, trading_by=change.by, trading_reason=change.reason)
    return turned, (change,)


def _reason(what: str, value: Decimal, limit: Decimal) -> str:
    return f"{what} {value:.2f} % reached the limit of {printed(limit)} %"


def _day(ts_ms: int) -> int:
    return ts_ms - ts_ms % DAY_MS
