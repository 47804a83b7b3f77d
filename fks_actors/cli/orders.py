"""`fks orders`: what was ordered; `cancel` and `replace` for what still works."""

from typing import Annotated, Any

import typer
from rich.table import Table

from fks_actors.cli.ask import Json, at
from fks_actors.cli.session import console, open_client, print_json, spoken
from fks_actors.errors import ConfigError

orders = typer.Typer(
    help="The last orders, newest first; end or change those that work.",
    invoke_without_command=True,
    add_completion=False,
)


@orders.callback()
@spoken
def show(
    context: typer.Context,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="How many.")] = 20,
    symbol: Annotated[str, typer.Option("--symbol", help="Only this symbol's.")] = "",
    status: Annotated[str, typer.Option("--status", help="For example filled or denied.")] = "",
    json: Json = False,
) -> None:
    """The last orders, newest first."""
    if context.invoked_subcommand is not None:
        return
    with open_client() as client:
        answer = client.page("orders", limit=limit, symbol=symbol, status=status)
    _print(answer if json else answer["items"], json)


@orders.command("cancel")
@spoken
def cancel(
    ids: Annotated[list[str] | None, typer.Argument(help="Client order ids.", show_default=False)] = None,
    every: Annotated[bool, typer.Option("--all", help="End every working order.")] = False,
    json: Json = False,
) -> None:
    """End working orders. A protective leg that is ended is not made anew."""
    if bool(ids) is every:
        raise ConfigError("name the orders to cancel, or --all for every one that works")
    with open_client() as client:
        rows = client.cancel(ids or [])
    if not rows and not json:
        console.print("none of them works" if ids else "no order works")
        raise typer.Exit(1 if ids else 0)
    _print(rows, json)


@orders.command("replace")
@spoken
def replace(
    order: Annotated[str, typer.Argument(help="The client order id.")],
    price: Annotated[str, typer.Option("--price", help="The new limit or stop price, quote.")] = "",
    quantity: Annotated[str, typer.Option("--quantity", help="The new whole quantity, base; never more.")] = "",
    json: Json = False,
) -> None:
    """Change a working order's price or quantity: it is ended first, then what is left is ordered anew."""
    with open_client() as client:
        row = client.replace(order, price or None, quantity or None)
    _print(row if json else [row], json)


def _print(rows: Any, json: bool) -> None:
    if json:
        print_json(rows)
        return
    if not rows:
        console.print("no orders")
        return
    table = Table("time (UTC)", "order", "from", "venue", "symbol", "side", "type", "terms", "quantity", "filled")
    table.add_column("price")
    table.add_column("status")
    for row in rows:
        table.add_row(
            at(row["created_ms"]),
            row["client_order_id"],
            row["origin"],
            row["venue"],
            row["symbol"],
            row["side"],
            row["order_type"],
            terms(row),
            row["quantity"],
            row["filled_quantity"],
            row["average_price"],
            row["status"],
        )
    console.print(table)


def terms(row: dict[str, Any]) -> str:
    """The figures that an order was given: limit, trigger, trail, what shows, how long, and whether it is of a pair."""
    words = [f"{name} {row[key]}" for name, key in (("limit", "limit_price"), ("at", "stop_price")) if row[key]]
    words += [f"trail {row['trail_pct']}%"] if row["trail_pct"] else []
    words += [f"shows {row['display_quantity']}"] if row["display_quantity"] else []
    parts = f"{row['slices']} parts " if row["slices"] else ""
    words += [f"{parts}in {row['duration_ms'] / 1_000:g} s"] if row["duration_ms"] else []
    words += ["pair"] if row["oco_id"] else []
    return ", ".join(words)
