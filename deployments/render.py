"""Records to the JSON of the API (`shapes`). Pure; the dashboard, the API and the command line tell the same."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from deployments import decision_shapes, shapes
from fks_actors.model.orders import ZERO, Fill, Order, Refusal
from fks_actors.model.records import ControlRecord, EquityPoint, RunRecord, SignalRecord
from fks_actors.risk.messages import RiskState


def money(value: Decimal) -> str:
    """Plain decimal text, never an exponent."""
    return format(value, "f")


def _maybe(value: Decimal | None) -> str | None:
    return None if value is None else money(value)


def refusals(values: Sequence[Refusal]) -> list[decision_shapes.RefusalShape]:
    """Why not."""
    return [{"code": r.code, "message": r.message, "value": r.value, "limit": r.limit} for r in values]


def order(value: Order) -> shapes.OrderShape:
    """An order in its present state."""
    intent = value.intent
    return {
        "client_order_id": intent.client_order_id,
        "origin": intent.origin,
        "origin_id": intent.origin_id,
        "venue": intent.venue,
        "symbol": intent.symbol,
        "side": intent.side,
        "order_type": intent.order_type,
        "quantity": money(intent.quantity),
        "limit_price": _maybe(intent.limit_price),
        "stop_price": _maybe(intent.stop_price),
        "trail_pct": _maybe(intent.trail_pct),
        "display_quantity": _maybe(intent.display_quantity),
        "duration_ms": intent.duration_ms,
        "slices": intent.slices,
        "oco_id": intent.oco_id,
        "status": value.status,
        "filled_quantity": money(value.filled_quantity),
        "average_price": money(value.average_price),
        "fee": money(value.fee),
        "reserved_quote": money(value.reserved_quote),
        "reason": value.reason,
        "created_ms": intent.ts_ms,
        "updated_ms": value.updated_ms,
    }


def fill(value: Fill) -> shapes.FillShape:
    """A trade."""
    return {
        "trade_id": value.trade_id,
        "client_order_id": value.client_order_id,
        "venue": value.venue,
        "symbol": value.symbol,
        "side": value.side,
        "price": money(value.price),
        "quantity": money(value.quantity),
        "notional": money(value.price * value.quantity),
        "fee": money(value.fee),
        "liquidity": value.liquidity,
        "ts_ms": value.ts_ms,
    }


def signal(record: SignalRecord, orders: Sequence[Order]) -> shapes.SignalShape:
    """What became of an alert; its dedupe key stays inside."""
    alert = record.signal
    return {
        "signal_id": record.signal_id,
        "status": record.status,
        "ts_ms": record.ts_ms,
        "received_ms": alert.received_ms,
        "symbol": alert.symbol,
        "side": alert.side,
        "order_type": alert.order_type,
        "quantity": _maybe(alert.quantity),
        "sizing": alert.sizing,
        "price": _maybe(alert.price),
        "stop_loss": _maybe(alert.stop_loss),
        "take_profit": _maybe(alert.take_profit),
        "trail_pct": _maybe(alert.trail_pct),
        "display_quantity": _maybe(alert.display_quantity),
        "duration_s": alert.duration_s,
        "slices": alert.slices,
        "oco": alert.oco,
        "advisory": alert.advisory,
        "exchange": alert.exchange,
        "confidence": money(alert.confidence),
        "strategy": alert.strategy,
        "orders": [order(each) for each in orders],
        "reasons": refusals(record.refusals),
    }


def equity(point: EquityPoint) -> shapes.EquityShape:
    """A point of the equity curve."""
    return {
        "ts_ms": point.ts_ms,
        "equity": money(point.equity),
        "cash": money(point.cash),
        "exposure": money(point.exposure),
        "realised": money(point.realised),
        "fees": money(point.fees),
        "drawdown": money(point.drawdown),
        "state": point.state,
    }


def account(state: RiskState) -> shapes.AccountShape:
    """What is owned, at risk's marks, all venues together and each."""
    held = state.total()
    worth = held.equity(state.marks)
    unrealised = sum(
        ((state.marks.get(s, p.entry_price) - p.entry_price) * p.quantity for s, p in held.positions.items()), ZERO
    )
    return {
        "currency": _currency([*state.marks, *held.positions]),
        "cash": money(held.cash),
        "equity": money(worth),
        "exposure": money(held.exposure(state.marks)),
        "reserved": money(sum((r.quote for r in state.reservations.values()), ZERO)),
        "realised": money(held.realised()),
        "unrealised": money(unrealised),
        "fees": money(held.fees),
        "drawdown": money(_drawdown(state)),
        "peak_equity": money(max(state.peak_equity, worth)),
        "day_pnl": money(worth - state.day_start_equity if state.day_ms else ZERO),
        "venues": [_venue(name, state) for name in sorted(state.accounts)],
    }


def _venue(name: str, state: RiskState) -> shapes.VenueShape:
    held = state.accounts[name]
    return {
        "venue": name,
        "cash": money(held.cash),
        "equity": money(held.equity(state.marks)),
        "exposure": money(held.exposure(state.marks)),
        "reserved": money(sum((r.quote for r in state.reservations.values() if r.venue == name), ZERO)),
        "realised": money(held.realised()),
        "fees": money(held.fees),
    }


def positions(state: RiskState) -> list[shapes.PositionShape]:
    """What is held, by symbol."""
    rows: list[shapes.PositionShape] = []
    for symbol, held in sorted(state.total().positions.items()):
        if not held.quantity:
            continue
        mark = state.marks.get(symbol, held.entry_price)
        rows.append(
            {
                "symbol": symbol,
                "quantity": money(held.quantity),
                "entry_price": money(held.entry_price),
                "mark": money(mark),
                "value": money(held.quantity * mark),
                "unrealised": money((mark - held.entry_price) * held.quantity),
                "realised": money(held.realised),
                "venues": {
                    venue: money(owned.quantity)
                    for venue, account in sorted(state.accounts.items())
                    if (owned := account.position(symbol)).quantity
                },
            }
        )
    return rows


def trading(state: RiskState | None) -> shapes.TradingShape:
    """The trading state; before the first commit it is what the desk starts with."""
    if state is None:
        return {"state": "active", "by": "start", "reason": ""}
    return {"state": state.trading, "by": state.trading_by, "reason": state.trading_reason}


def controls(values: Sequence[ControlRecord]) -> list[shapes.ControlShape]:
    """Changes of the trading state."""
    return [{"ts_ms": c.ts_ms, "state": c.state, "by": c.by, "reason": c.reason} for c in values]


def risk(state: RiskState, changes: Sequence[ControlRecord]) -> shapes.RiskShape:
    """Risk's view of the desk."""
    owned = account(state)
    return {
        "trading": trading(state),
        "exposure": owned["exposure"],
        "drawdown": owned["drawdown"],
        "peak_equity": owned["peak_equity"],
        "day_pnl": owned["day_pnl"],
        "approvals_last_minute": len(state.approvals_ms),
        "marks": {symbol: money(mark) for symbol, mark in sorted(state.marks.items())},
        "reservations": [
            {
                "client_order_id": order_id,
                "venue": r.venue,
                "symbol": r.symbol,
                "quote": money(r.quote),
                "base": money(r.base),
                "left": money(r.left),
                "oco_id": r.oco_id,
            }
            for order_id, r in sorted(state.reservations.items())
        ],
        "controls": controls(changes),
    }


def status(
    version: str,
    mode: str,
    run: RunRecord | None,
    state: RiskState | None,
    desk: dict[str, Any] | None,
    counts: dict[str, int],
) -> shapes.StatusShape:
    """The whole in short; `desk` is None where the coordinator does not answer."""
    said = desk or {}
    return {
        "version": version,
        "mode": mode,
        "run_id": run.run_id if run else "",
        "started_ms": run.ts_ms if run else 0,
        "feed": feed(run, said.get("feed") or {}),
        "symbols": list(run.symbols) if run else list(said.get("symbols") or ()),
        "interval_ms": run.interval_ms if run else 0,
        "trading": trading(state),
        "desk": {
            "reachable": desk is not None,
            "ready": bool(said.get("ready", False)),
            "trouble": str(said.get("trouble", "")),
            "cycles": int(said.get("cycles", 0)),
            "open_orders": int(said.get("open_orders", 0)),
            "clock_ms": int(said.get("clock_ms") or 0),
            "last_bar_ms": dict(said.get("last_bar_ms") or {}),
            "lease_held": bool((said.get("lease") or {}).get("held", False)),
            "lease_epoch": int((said.get("lease") or {}).get("epoch", 0)),
        },
        "quality": quality(said.get("quality") or {}),
        "venues": venues(run, desk),
        "counts": counts,
    }


def quality(said: dict[str, Any]) -> shapes.QualityShape:
    """What the desk thinks of its data; nothing where it does not answer."""
    return {
        "paused": bool(said.get("paused", False)),
        "reason": str(said.get("reason", "")),
        "failing": int(said.get("failing", 0)),
        "share": float(said.get("share", 0.0)),
        "limit": float(said.get("limit", 0.0)),
        "least_score": float(said.get("least_score", 0.0)),
        "sources": [
            {
                "source": str(each["source"]),
                "symbol": str(each["symbol"]),
                "score": float(each["score"]),
                "fails": bool(each["fails"]),
                "present": bool(each["present"]),
                "trouble": str(each["trouble"]),
                "deviation": float(each["deviation"]),
            }
            for each in said.get("sources") or ()
        ],
    }


def venues(run: RunRecord | None, desk: dict[str, Any] | None) -> list[shapes.VenueStateShape]:
    """Each venue's state; where the coordinator does not answer, their names alone."""
    silent: list[dict[str, Any]] = (
        [{"venue": name, "trouble": "the desk does not answer"} for name in run.venues or ("paper",)] if run else []
    )
    said = silent if desk is None else desk.get("venues") or []
    return [
        {
            "venue": str(each["venue"]),
            "exchange": str(each.get("exchange", "")),
            "mode": str(each.get("mode", "")),
            "claims": list(each.get("claims") or ()),
            "answers": bool(each.get("answers", False)),
            "breaker": str(each.get("breaker", "")),
            "streams": dict(each.get("streams") or {}),
            "open_orders": int(each.get("open_orders", 0)),
            "trouble": str(each.get("trouble", "")),
        }
        for each in said
    ]


def feed(run: RunRecord | None, said: dict[str, Any]) -> shapes.FeedShape:
    """Where the bars come from, as the run's record has it: that outlives the actor."""
    name = run.feed if run else str(said.get("name", ""))
    simulated = run.simulated if run else bool(said.get("simulated", False))
    return {
        "name": name,
        "kind": str(said.get("kind") or name.partition(":")[0]),
        "label": str(said.get("label") or name),
        "reason": str(said.get("reason") or (run.note if run else "")),
        "simulated": simulated,
        "ended": bool(said.get("ended", False)),
    }


def _drawdown(state: RiskState) -> Decimal:
    worth = state.total().equity(state.marks)
    peak = max(state.peak_equity, worth)
    return ((peak - worth) / peak).quantize(Decimal("1E-8")) if peak > 0 else ZERO


def _currency(symbols: Sequence[str]) -> str:
    return next((symbol.partition("/")[2] for symbol in symbols if "/" in symbol), "")


def shadows(told: dict[str, Any] | None) -> shapes.ShadowsShape:
    """The shadows' word; None where they do not answer."""
    nothing: shapes.ShadowsShape = {
        "reachable": told is not None, "clock_ms": 0, "behind": False, "trouble": "", "items": [], "tests": [],
    }  # fmt: skip
    if told is None:
        return nothing
    return {
        **nothing,
        "clock_ms": told["clock_ms"],
        "behind": told["behind"],
        "trouble": told["trouble"],
        "items": told["items"],
        "tests": told["tests"],
    }
