"""The live view of a terminal: the account, the last decisions, the actors; and a plain line where there is none."""

import time
from collections.abc import Callable
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from fks_actors.cli.ask import agents_table, at
from fks_actors.cli.facts import account_table, known_agents, money, quality_lines
from fks_actors.client import Client
from fks_actors.errors import FksError

_EVERY_S = 1.0
_PLAIN_EVERY_S = 30.0
_ROWS = 8


def follow(
    client: Client, console: Console, alive: Callable[[], bool], pause: Callable[[float], object] = time.sleep
) -> None:
    """Show the desk until `alive` says no or the user interrupts; `pause` waits so many seconds, or less."""
    if console.is_terminal:
        with Live(console=console, screen=False, auto_refresh=False) as live:
            while alive():
                live.update(_screen(client), refresh=True)
                pause(_EVERY_S)
        return
    last = 0.0
    while alive():
        if time.monotonic() - last >= _PLAIN_EVERY_S:
            last = time.monotonic()
            console.print(_line(client), highlight=False)
        pause(_EVERY_S)


def _screen(client: Client) -> RenderableType:
    try:
        status, account = client.status(), client.account()
        decisions = client.page("decisions", limit=_ROWS)["items"]
        agents = known_agents(client)
    except FksError as error:
        return Panel(Text(str(error)), title="FKS Actors", border_style="red")
    feed = status["feed"]
    parts: list[RenderableType] = [Text(f"trading {status['trading']['state']}")]
    parts.append(account_table(account) if account else Text("no account is recorded yet"))
    if status["desk"]["trouble"]:
        parts.append(Text(f"paused: {status['desk']['trouble']}", "red"))
    parts += quality_lines(status["quality"])
    parts += ["", _decisions_table(decisions), "", agents_table(agents)]
    style = "yellow" if feed["simulated"] else "cyan"
    title = Text(f"FKS Actors  {status['mode'].upper()}  {feed['label']}")
    return Panel(Group(*parts), title=title, border_style=style)


def _decisions_table(decisions: list[dict[str, Any]]) -> Table:
    table = Table("bar (UTC)", "symbol", "price", "leaning", "strength", "outcome", "votes", box=None, pad_edge=False)
    for row in decisions:
        said = "  ".join(f"{v['agent'].split('_')[0]} {v['action']}" for v in row["votes"])
        verdict = row["verdict"]
        table.add_row(
            at(row["ts_ms"]),
            row["symbol"],
            row["price"],
            verdict["leaning"],
            f"{verdict['strength']:.2f}",
            row["outcome"],
            said,
        )
    return table


def _line(client: Client) -> str:
    try:
        status, account = client.status(), client.account()
    except FksError as error:
        return str(error)
    facts: dict[str, Any] = {
        "feed": status["feed"]["label"],
        "time": at(status["desk"]["clock_ms"]) if status["desk"]["clock_ms"] else "-",
        "equity": money(account["equity"]) if account else "-",
        "trading": status["trading"]["state"],
        "decisions": status["counts"].get("decisions", 0),
    }
    return "  ".join(f"{name}={value}" for name, value in facts.items())
