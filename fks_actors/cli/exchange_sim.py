"""`fks exchange-sim`: a simulated exchange as a process of its own. It needs no desk, no cluster and no FKS_HOME."""

import asyncio
import signal
import sys
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from fks_actors.cli.options import Seed
from fks_actors.cli.session import console, print_json, spoken
from fks_actors.errors import ConfigError

if TYPE_CHECKING:
    from fks_actors.adapters.exchange_sim.config import SimConfig
    from fks_actors.adapters.exchange_sim.server import RunningSim


@spoken
def exchange_sim(
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="Of the exchange; 0: any free one.")] = 8900,
    admin_port: Annotated[
        int, typer.Option("--admin-port", min=0, max=65_535, help="Of ledger, prices and faults; 0: any free one.")
    ] = 8901,
    feed: Annotated[
        str, typer.Option("--feed", help="Prices: simulated, replay:FILE[,FILE...] or manual.")
    ] = "simulated",
    seed: Seed = None,
    speed: Annotated[float, typer.Option("--speed", help="Bars' time by real time.")] = 1.0,
    symbols: Annotated[
        str | None, typer.Option("--symbols", help="Comma-separated, such as BTC/USDT.", show_default=False)
    ] = None,
    balance: Annotated[
        list[str] | None, typer.Option("--balance", help="ASSET=AMOUNT; may be repeated.", show_default="USDT=10000")
    ] = None,
    key: Annotated[str, typer.Option("--key", help="The account's API key; made up without it.")] = "",
    secret: Annotated[str, typer.Option("--secret", help="Its secret; made up without it.")] = "",
    exchange_info: Annotated[
        Path | None, typer.Option("--exchange-info", help="A captured exchangeInfo, for its symbols and filters.")
    ] = None,
    ledger: Annotated[
        Path | None, typer.Option("--ledger", help="A JSONL file that keeps the account over restarts.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run a simulated exchange that speaks Binance's spot API, with fault injection and a ledger. Nothing is real."""
    from fks_actors.adapters.exchange_sim.config import SimConfig

    if exchange_info is not None and not exchange_info.is_file():
        raise ConfigError(f"{exchange_info}: no such file")
    config = SimConfig(
        port=port,
        admin_port=admin_port,
        feed=feed,
        seed=7 if seed is None else seed,
        speed=speed,
        symbols=_symbols(symbols),
        balances=_balances(balance or ["USDT=10000"]),
        key=key,
        secret=secret,
        exchange_info=exchange_info,
        ledger=ledger,
    )
    asyncio.run(_serve(config, json))


async def _serve(config: "SimConfig", json: bool) -> None:
    from fks_actors.adapters.exchange_sim.server import running_sim

    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    async with running_sim(config) as sim:
        if json:
            print_json(_facts(sim))
        else:
            _welcome(sim)
        sys.stdout.flush()
        await ended.wait()
    if not json:
        console.print("stopped")


def _facts(sim: "RunningSim") -> dict[str, Any]:
    return {
        "url": sim.url,
        "admin_url": sim.admin_url,
        "key": sim.key,
        "secret": sim.secret,
        "symbols": [m.symbol for m in sim.engine.markets.values()],
    }


def _welcome(sim: "RunningSim") -> None:
    facts = _facts(sim)
    console.print(Text("SIMULATED exchange", "bold yellow"), f"of {', '.join(facts['symbols'])}")
    for name in ("url", "admin_url", "key", "secret"):
        console.print(f"{name.replace('_', ' '):10} {facts[name]}", soft_wrap=True)


def _symbols(text: str | None) -> tuple[str, ...]:
    from fks_actors.adapters.feeds.symbols import symbol_of

    names = [] if text is None else [s.strip() for s in text.split(",")]
    known = [symbol_of(n) for n in names]
    for name, symbol in zip(names, known, strict=True):
        if symbol is None:
            raise ConfigError(f"{name!r} is no symbol; write BASE/QUOTE, such as BTC/USDT")
    return tuple(s for s in known if s is not None)


def _balances(given: list[str]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for text in (part for one in given for part in one.split(",")):
        asset, _, amount = text.partition("=")
        try:
            money = Decimal(amount)
        except InvalidOperation:
            money = Decimal(-1)
        if not asset.strip() or not money.is_finite() or money < 0:
            raise ConfigError(f"--balance {text}: write ASSET=AMOUNT, such as USDT=10000")
        found[asset.strip().upper()] = money
    return found
