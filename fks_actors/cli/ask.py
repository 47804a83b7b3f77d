"""Commands that ask a running desk or tell it something: signal, halt, reduce, resume, agents."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from fks_actors.cli.session import EXIT_FAILED, console, find_running, open_client, print_json, running_secret, spoken
from fks_actors.client import Client
from fks_actors.home import find_home

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; goes into the journal.")]


@spoken
def signal(
    symbol: Annotated[str, typer.Option("--symbol", help="For example BTC/USDT.")],
    side: Annotated[str, typer.Option("--side", help="buy or sell.")],
    quantity: Annotated[str, typer.Option("--quantity", help="In base units.")] = "",
    order_type: Annotated[
        str,
        typer.Option(
            "--type", help="market, limit, stop_loss, take_profit, trailing_stop, iceberg, twap or oco (two exits)."
        ),
    ] = "market",
    price: Annotated[str, typer.Option("--price", help="Limit or stop price.")] = "",
    sizing: Annotated[
        str, typer.Option("--sizing", help="Without --quantity: fixed_pct (the default), risk or volatility.")
    ] = "",
    stop_loss: Annotated[str, typer.Option("--stop-loss", help="Protective stop of a buy; a leg of an oco.")] = "",
    take_profit: Annotated[str, typer.Option("--take-profit", help="Target of a buy; a leg of an oco.")] = "",
    trail_pct: Annotated[
        str, typer.Option("--trail-pct", help="Distance in percent of a trailing stop, or of one that protects a buy.")
    ] = "",
    display_quantity: Annotated[str, typer.Option("--display-quantity", help="What shows of an iceberg.")] = "",
    duration: Annotated[str, typer.Option("--duration", help="Seconds that a twap takes, 1 to 86400.")] = "",
    slices: Annotated[str, typer.Option("--slices", help="Parts of a twap, 2 to 1000.")] = "",
    exchange: Annotated[str, typer.Option("--exchange", help="One of the desk's venues.")] = "",
    confidence: Annotated[float, typer.Option("--confidence", min=0, max=1, help="0 to 1.")] = 1.0,
    key: Annotated[str, typer.Option("--id", help="Dedupe key.")] = "",
    wait: Annotated[
        int, typer.Option("--wait", min=0, max=30, help="Seconds to wait for the outcome; 0 does not wait.")
    ] = 10,
    json: Json = False,
) -> None:
    """Send a signed alert to the webhook, as TradingView would."""
    home = find_home()
    alert: dict[str, Any] = {
        "symbol": symbol,
        "side": side,
        "order_type": order_type,
        "confidence": confidence,
        "timestamp": datetime.now(UTC).isoformat(),
    }
    figures = {
        "quantity": quantity,
        "sizing": sizing or ("" if quantity else "fixed_pct"),
        "price": price,
        "stop_loss": stop_loss,
        "take_profit": take_profit,
        "trail_pct": trail_pct,
        "display_quantity": display_quantity,
        "duration_s": duration,
        "slices": slices,
        "exchange": exchange,
        "id": key,
    }
    alert |= {name: value for name, value in figures.items() if value}
    with Client(find_running(home).url) as client:
        signing = running_secret(home, home.webhook_secret.name, "FKS_WEBHOOK_SECRET")
        answer = client.signal(signing, alert, wait)
    if json:
        print_json(answer)
        _exit_unless_done(answer)
        return
    console.print(Text(answer["status"], "bold"), answer["signal_id"])
    for order in answer.get("orders", []):
        console.print(
            f"  {order['side']} {order['filled_quantity']} of {order['quantity']} {order['symbol']} "
            f"{order['status']} at {order['average_price']}, fee {order['fee']} ({order['client_order_id']})"
        )
    for reason in answer.get("reasons", []):
        console.print(f"  {reason['code']}: {reason['message']}")
    _exit_unless_done(answer)


def _exit_unless_done(answer: dict[str, Any]) -> None:
    if answer["status"] in {"denied", "rejected"}:
        raise typer.Exit(EXIT_FAILED)


@spoken
def halt(reason: Reason = "operator", json: Json = False) -> None:
    """Stop trading: cancel open orders, allow no new ones. Positions stay."""
    _control("halted", reason, json)


@spoken
def reduce(reason: Reason = "operator", json: Json = False) -> None:
    """Allow only orders that lower exposure."""
    _control("reducing", reason, json)


@spoken
def resume(reason: Reason = "operator", json: Json = False) -> None:
    """Trade again."""
    _control("active", reason, json)


def _control(state: str, reason: str, json: bool) -> None:
    with open_client() as client:
        answer = client.control(state, reason)
    if json:
        print_json(answer)
    else:
        console.print("trading is", Text(answer["state"], "bold"), f"({answer['reason']})")


@spoken
def agents(json: Json = False) -> None:
    """Every actor: whether it is up, since when, how often it was restarted."""
    with open_client() as client:
        rows = client.agents()
    if json:
        print_json(rows)
        return
    console.print(agents_table(rows))


def agents_table(rows: list[dict[str, Any]]) -> Table:
    """One row an actor."""
    table = Table("actor", "up", "state", "restarts", "pid", "node", box=None, pad_edge=False)
    for row in rows:
        up = Text("yes", "green") if row["up"] else Text("no", "red")
        table.add_row(
            row["name"], up, row.get("state", ""), str(row["restarts"]), str(row.get("pid", "")), row.get("node", "")
        )
    return table


def at(ts_ms: int) -> str:
    """UTC minute of an instant."""
    return datetime.fromtimestamp(ts_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M")
