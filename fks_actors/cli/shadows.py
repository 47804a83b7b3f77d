"""`fks shadows`: paper portfolios that follow the desk's bars, and whether what they differ by is more than luck."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from fks_actors.cli.ask import Json, at
from fks_actors.cli.session import console, open_client, print_json, spoken
from fks_actors.errors import DataError, FksError

_HEADS = ("shadow", "equity", "return", "below its top", "orders", "fees", "desk's return", "ahead of the desk by")
_NONE = (
    "no shadow answers: either none is kept (section `shadows` of the configuration), or its actor is down; "
    "see `fks agents`"
)
_SHOWN = Decimal("0.0001")
"""The least difference that is told, as a fraction."""


@spoken
def shadows(
    test: Annotated[str, typer.Option("--test", help="Tell of this one alone whether it is better or worse.")] = "",
    json: Json = False,
) -> None:
    """Baselines and other configurations on paper beside the desk. Nothing of it is traded."""
    with open_client() as client:
        told = client.shadows()
    if test:
        told = {**told, "items": _named(told, test, "items"), "tests": _named(told, test, "tests")}
    if json:
        print_json(told)
        return
    if not told["reachable"]:
        raise FksError(_NONE)
    if told["trouble"]:
        console.print(Text(f"paused: {told['trouble']}", "red"))
    if test:
        for row in told["tests"]:
            console.print(row["told"])
        _print_notes(told["items"])
        return
    for line in standing_lines(told):
        console.print(line)
    console.print(shadows_table(told["items"]))
    _print_notes(told["items"])
    for row in told["tests"]:
        if row["against"] == "twin" or row["standing"] in ("better", "worse"):
            console.print(row["told"])
    when = f"as of {at(told['clock_ms'])} UTC" if told["clock_ms"] else "no bar yet"
    console.print(f"paper, shadows: nothing of this is traded; {when}{', catching up' if told['behind'] else ''}")


def _named(told: dict[str, Any], name: str, what: str) -> list[dict[str, Any]]:
    names = [row["name"] for row in told["items"]]
    if name not in names:
        raise DataError(f"there is no shadow {name!r}; there are {', '.join(names) or 'none'}")
    return [row for row in told[what] if row["name"] == name]


def standing_lines(told: dict[str, Any]) -> Iterator[Text]:
    """Which shadows the desk is behind, first, and which it is ahead of, since each began; nothing where none is known.

    Of `told`, the API's answer. A difference that would be printed as 0.00 % is none; the instant is told, for the
    shadows follow the desk's journal and may be some bars behind.
    """
    known = [
        (row["name"], Decimal(row["difference"]).quantize(_SHOWN))
        for row in told["items"]
        if row["difference"] is not None
    ]
    behind = [f"{name} (by {difference:.2%})" for name, difference in known if difference > 0]
    ahead = [f"{name} (by {-difference:.2%})" for name, difference in known if difference < 0]
    level = [name for name, difference in known if not difference]
    parts = [("BEHIND ", behind), ("ahead of ", ahead), ("level with ", level)]
    words = "; ".join(f"{word}{', '.join(names)}" for word, names in parts if names)
    if words:
        when = f" (as of {at(told['clock_ms'])} UTC)" if told["clock_ms"] else ""
        yield Text(f"on paper the desk is {words}{when}", "yellow" if behind else "")


def shadows_table(rows: list[dict[str, Any]]) -> Table:
    """One row a shadow."""
    table = Table(box=None, pad_edge=False)
    for name in _HEADS:
        table.add_column(name, justify="left" if name == "shadow" else "right")
    for row in rows:
        if row["equity"] is None:
            words = Text("stopped" if row["trouble"] else "waits for its first bar", "red" if row["trouble"] else "")
            table.add_row(row["name"], words)
            continue
        difference = row["difference"]
        table.add_row(
            Text(row["name"], "red" if row["trouble"] else ""),
            f"{Decimal(row['equity']):,.2f}",
            _percent(row["gained"]),
            f"{Decimal(row['drawdown']):.2%}",
            str(row["orders"]),
            f"{Decimal(row['fees']):,.2f}",
            _percent(row["desk_gained"]),
            Text(_percent(difference), "yellow" if difference is not None and Decimal(difference) > 0 else ""),
        )
    return table


def _print_notes(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        if row["trouble"]:
            console.print(Text(f"{row['name']}: {row['trouble']}", "red"))
        if row["left_out"]:
            console.print(f"{row['name']}: without {', '.join(row['left_out'])}, which needs more than bars")


def _percent(fraction: str | None) -> str:
    return "" if fraction is None else f"{Decimal(fraction):+.2%}"
