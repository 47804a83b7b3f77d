"""`fks doctor` on venues and Redis: what is at stake, whether keys are there and work, what is to be done."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fks_actors.adapters.exchange_sim.config import SimConfig
from fks_actors.adapters.exchange_sim.server import RunningSim, running_sim
from fks_actors.cli.checks import examine
from fks_actors.cli.findings import Finding
from fks_actors.home import Home
from tests.unit.cli.test_venues import write_keys

Examine = Callable[..., dict[str, Finding]]
BINANCE = "feed: {{spec: simulated}}\nvenues: {{binance: {{kind: ccxt{more}}}}}\nrouting: {{default: binance}}"


@pytest.fixture
def look(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Examine:
    monkeypatch.setenv("FKS_SERVE__PROXY", "python")
    for name in ("KEY", "SECRET", "PASSWORD"):
        monkeypatch.delenv(f"FKS_VENUE_BINANCE_{name}", raising=False)

    def run(text: str) -> dict[str, Finding]:
        file = tmp_path / "my.yaml"
        file.write_text(text, encoding="utf-8")
        return {finding.check: finding for finding in examine(home, file)}

    return run


@pytest.fixture(scope="module")
def sim() -> Iterator[RunningSim]:
    """A simulated exchange on an event loop of its own."""
    running: list[RunningSim] = []
    up, over = threading.Event(), threading.Event()

    async def serve() -> None:
        async with running_sim(SimConfig(feed="manual", symbols=("BTC/USDT", "ETH/USDT"))) as sim:
            running.append(sim)
            up.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert up.wait(30)
    yield running[0]
    over.set()
    thread.join(10)


def at(sim: RunningSim, more: str = "") -> str:
    return BINANCE.format(more=f', base_url: "{sim.url}"{more}')


def test_venue_when_it_is_paper_then_nothing_is_at_stake(look: Examine) -> None:
    assert look("feed: {spec: simulated}")["venue paper"].found == "paper: nothing is sent anywhere"


def test_venue_when_a_simulator_answers_then_clock_and_money(look: Examine, home: Home, sim: RunningSim) -> None:
    write_keys(home, "binance", sim.key, sim.secret)
    found = look(at(sim))["venue binance"]
    assert found.state == "ok", found
    assert found.found.startswith("binance, a simulator on this machine, nothing is real: answers, clock ")
    assert found.found.endswith(" ms, 10000 USDT")


def test_venue_when_it_refuses_the_keys_then_failed_and_no_key_is_shown(
    look: Examine, home: Home, sim: RunningSim
) -> None:
    write_keys(home, "binance", sim.key, "x" * 64)
    found = look(at(sim))["venue binance"]
    assert (found.state, "refuses the keys" in found.found) == ("failed", True)
    assert sim.key not in str(found)


def test_venue_when_it_does_not_trade_what_it_claims_then_failed(look: Examine, home: Home, sim: RunningSim) -> None:
    write_keys(home, "binance", sim.key, sim.secret)
    claims = at(sim, ", symbols: [SOL/USDT]").replace("simulated}", "simulated, symbols: [SOL/USDT]}")
    found = look(claims)
    assert "does not trade SOL/USDT" in found["venue binance"].found


def test_venue_when_its_clock_is_far_off_then_a_warning(look: Examine, home: Home, sim: RunningSim) -> None:
    write_keys(home, "binance", sim.key, sim.secret)
    sim.venue.faults.skew_ms = 4_000
    try:
        found = look(at(sim))["venue binance"]
    finally:
        sim.venue.faults.skew_ms = 0
    assert (found.state, "set the clock" in found.remedy) == ("warning", True), found


def test_venue_when_nobody_answers_then_failed_with_what_to_start(look: Examine, home: Home) -> None:
    write_keys(home)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    found = look(BINANCE.format(more=f', base_url: "http://127.0.0.1:{port}", timeout_s: 1'))["venue binance"]
    assert (found.state, "fks exchange-sim" in found.remedy) == ("failed", True)


@pytest.mark.parametrize(
    ("more", "stake"), [("", "LIVE, with real money"), (", sandbox: true", "the exchange's own test net")]
)
def test_venue_when_it_has_no_keys_then_says_what_is_at_stake_and_where_they_belong(
    look: Examine, more: str, stake: str
) -> None:
    found = look(BINANCE.format(more=more))["venue binance"]
    assert (found.state, stake in found.found) == ("failed", True)
    assert "FKS_VENUE_BINANCE_KEY" in found.found
    assert "not withdraw" in found.remedy


def test_venue_when_others_may_read_its_keys_then_failed(look: Examine, home: Home, sim: RunningSim) -> None:
    write_keys(home, "binance", sim.key, sim.secret)[0].chmod(0o644)
    found = look(at(sim))["venue binance"]
    assert (found.state, "chmod 600" in found.found) == ("failed", True)


def test_redis_when_it_does_not_answer_then_a_warning_without_the_password(
    look: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("FKS_REDIS__URL", f"redis://127.0.0.1:{port}/0")
    found = look("feed: {spec: simulated}")["redis"]
    assert (found.state, f"127.0.0.1:{port}" in found.found) == ("warning", True)
    assert "each replica then counts by itself" in found.remedy
    monkeypatch.delenv("FKS_REDIS__URL")
    assert "redis" not in look("feed: {spec: simulated}")
