"""The figures of runs over the same bars, for people in a table; `backtest.facts` has them for scripts."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from rich.table import Table

_LEAST_YEARS = 0.25
"""A table shows no yearly return of less: a good week would come to millions."""


def figures_table(rows: Sequence[dict[str, Any]]) -> Table:
    """One line a run; percentages of the cash that it started with."""
    table = Table("", box=None, pad_edge=False)
    for head in ("return", "a year", "Sharpe", "drawdown", "exposed", "trips", "won", "fees", "equity"):
        table.add_column(head, justify="right")
    for row in rows:
        table.add_row(
            row["name"],
            percent(row["return"], signed=True),
            percent(row["annual_return"] if row["years"] >= _LEAST_YEARS else None, signed=True),
            "-" if row["sharpe"] is None else f"{row['sharpe']:.2f}",
            percent(row["max_drawdown"]),
            percent(row["time_exposed"]),
            f"{row['trips']:,}",
            percent(row["win_rate"]),
            f"{Decimal(row['fees']):,.2f}",
            f"{Decimal(row['equity']):,.2f}",
        )
    return table


def line_of(data: dict[str, Any]) -> str:
    """The bars, for people; `data` as `facts.facts_of` tells them."""
    symbols = ", ".join(data["symbols"])
    first, last = day(data["first_ms"]), day(data["last_ms"])
    return f"{symbols}: {data['batches']:,} bars, {first} to {last} UTC, {data['label']}."


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
