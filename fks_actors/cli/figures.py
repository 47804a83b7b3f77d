"""The figures of runs over the same bars, for people in a table and for scripts."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from fks_actors.backtest.baselines import Baseline
    from fks_actors.backtest.past import Past
    from fks_actors.backtest.significance import Interval

_DAY_MS = 86_400_000


def figures(of: "Baseline") -> dict[str, Any]:
    """One run. Money in quote as decimal text, shares and ratios as numbers, null where a figure is not defined."""
    from fks_actors.backtest.metrics import measured

    found = measured(of.curve, of.fills)
    fall, trades = found.drawdown, found.trades
    return {
        "name": of.name,
        "cash": format(of.cash, "f"),
        "equity": format(of.final, "f"),
        "return": float(of.gained),
        "annual_return": found.annual,
        "volatility": found.volatility,
        "sharpe": found.sharpe,
        "sortino": found.sortino,
        "calmar": found.calmar,
        "max_drawdown": fall.depth if fall else None,
        "max_drawdown_days": fall.longest_ms / _DAY_MS if fall else None,
        "time_exposed": found.time_exposed,
        "mean_exposure": found.mean_exposure,
        "turnover": found.turnover,
        "fees": format(found.fees, "f"),
        "fills": len(of.fills),
        "trips": trades.count,
        "win_rate": trades.win_rate,
        "profit_factor": trades.profit_factor,
        "expectancy": trades.expectancy,
    }


def figures_table(rows: Sequence[dict[str, Any]]) -> Table:
    """One line a run; percentages of the cash that it started with."""
    table = Table("", box=None, pad_edge=False)
    for head in ("return", "a year", "Sharpe", "drawdown", "exposed", "trips", "won", "fees", "equity"):
        table.add_column(head, justify="right")
    for row in rows:
        table.add_row(
            row["name"],
            percent(row["return"], signed=True),
            percent(row["annual_return"], signed=True),
            "-" if row["sharpe"] is None else f"{row['sharpe']:.2f}",
            percent(row["max_drawdown"]),
            percent(row["time_exposed"]),
            f"{row['trips']:,}",
            percent(row["win_rate"]),
            f"{Decimal(row['fees']):,.2f}",
            f"{Decimal(row['equity']):,.2f}",
        )
    return table


def facts_of(past: "Past") -> dict[str, Any]:
    """The bars, for scripts."""
    return {
        "label": past.info.label,
        "symbols": list(past.info.symbols),
        "interval_ms": past.info.interval_ms,
        "first_ms": past.first_ms,
        "last_ms": past.last_ms,
        "batches": past.count,
    }


def line_of(past: "Past") -> str:
    """The bars, for people."""
    symbols = ", ".join(past.info.symbols)
    return f"{symbols}: {past.count:,} bars, {day(past.first_ms)} to {day(past.last_ms)} UTC, {past.info.label}."


def interval_facts(found: "Interval | None") -> dict[str, Any] | None:
    """A confidence interval, for scripts."""
    if found is None:
        return None
    return {"low": found.low, "high": found.high, "level": found.level, "block": found.block}


def percent(share: float | None, signed: bool = False) -> str:
    """A share as a percentage, `-` where it is not defined."""
    if share is None:
        return "-"
    if signed:
        return f"{share * 100:+,.2f} %" if share else "0.00 %"
    return f"{share * 100:,.1f} %"


def day(ts_ms: int) -> str:
    """An instant, UTC, to the minute."""
    return datetime.fromtimestamp(ts_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M")
