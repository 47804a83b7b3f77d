"""`fks exchange-sim` as a process of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ccxt.async_support as ccxt

from fks_actors.adapters.exchange_urls import exchange_options
from tests.cli_runs import fks_here

ROOT = Path(__file__).parents[3]
START = "import sys; from fks_actors.cli.main import main; sys.argv[0] = 'fks'; main()"


@contextmanager
def process(*args: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The command, and the facts that it prints."""
    command = [sys.executable, "-c", START, "exchange-sim", "--port", "0", "--admin-port", "0", "--json", *args]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ) as started:
        try:
            lines: list[str] = []
            assert started.stdout is not None
            while not lines or lines[-1] != "}\n":
                line = started.stdout.readline()
                assert line, started.stderr.read() if started.stderr else ""
                lines.append(line)
            yield started, json.loads("".join(lines))
        finally:
            started.kill()


async def trade(facts: dict[str, Any]) -> list[str]:
    client = ccxt.binance(
        {
            **exchange_options("binance", facts["url"]),
            "apiKey": facts["key"],
            "secret": facts["secret"],
            "enableRateLimit": False,
        }
    )
    try:
        await client.load_markets()
        await client.create_order("SOL/USDT", "market", "buy", 1)
        return [o["status"] for o in await client.fetch_orders("SOL/USDT")]
    finally:
        await client.close()


async def test_command_when_killed_and_started_again_then_the_account_goes_on(tmp_path: Path) -> None:
    args = ("--ledger", str(tmp_path / "ledger.jsonl"), "--symbols", "SOL/USDT", "--balance", "USDT=5000", "--key", "k")
    with process(*args, "--secret", "s") as (first, facts):
        assert (facts["key"], facts["symbols"]) == ("k", ["SOL/USDT"])
        assert await trade(facts) == ["closed"]
        first.send_signal(signal.SIGKILL)
        first.wait(10)
    with process(*args, "--secret", "s") as (second, facts):
        assert await trade(facts) == ["closed", "closed"]
        second.send_signal(signal.SIGTERM)
        assert second.wait(10) == 0


async def test_command_when_interrupted_then_it_ends_quietly(tmp_path: Path) -> None:
    recording = tmp_path / "BTCUSDT-1m.csv"
    rows = [
        f"{1_700_000_000_000 // 60_000 * 60_000 + i * 60_000},{100 + i},{101 + i},{99 + i},{100.5 + i},5"
        for i in range(10)
    ]
    recording.write_text("timestamp,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
    with process("--feed", f"replay:{recording}") as (started, facts):
        assert facts["symbols"] == ["BTC/USDT"]
        started.send_signal(signal.SIGINT)
        assert started.wait(10) == 0
        assert started.stderr is not None
        assert started.stderr.read() == ""


def test_command_when_an_option_makes_no_sense_then_one_line_says_so(tmp_path: Path) -> None:
    for args, words in (
        (("--balance", "USDT"), "write ASSET=AMOUNT"),
        (("--symbols", "BTC"), "write BASE/QUOTE"),
        (("--feed", "live:binance"), "takes simulated, replay:FILE or manual"),
        (("--feed", "replay:nothing-1m.csv"), "no symbol in the file name"),
        (("--exchange-info", str(tmp_path / "none.json")), "no such file"),
        (("--speed", "0"), "no number above 0"),
    ):
        ran = fks_here("exchange-sim", "--port", "0", "--admin-port", "0", *args)
        assert (ran.code, words in ran.err, ran.err.count("\n")) == (2, True, 1), ran.err
