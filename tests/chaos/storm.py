"""A storm over a whole desk: signals by HTTP while everything that can die or lie does. The exchange's ledger judges.

`python -m tests.chaos.storm --signals 5000 --seed 1` (`make chaos`) starts a simulated exchange and `fks up` on it as
processes, sends signed alerts from several senders that repeat what was not answered, and meanwhile kills actors and
HTTP replicas with SIGKILL, drops requests and replies, closes streams, puts the exchange into maintenance and fills the
disk. Then the weather clears, and ledger and journal must agree. Signals and weather are functions of the seed.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from fks_actors.cli.cluster import cluster_processes
from fks_actors.client import sign
from tests.chaos.verdict import Verdict, judged

FKS = str(Path(sys.executable).with_name("fks"))
ACTORS = ("connector:binance", "risk", "coordinator", "journal", "replica")
SENDERS = 4
CASH = 1_000_000
CONFIG = """
feed: {{spec: "live:binance", base_url: "{url}", symbols: [BTC/USDT, ETH/USDT], timeframe: 1m, history_bars: 30}}
venues: {{binance: {{kind: ccxt, exchange: binance, base_url: "{url}", timeout_s: 2, recv_window_ms: 2000,
  reconcile_s: 10, dead_man_s: 0, breaker: {{failures: 5, open_s: 2, probes: 1}}}}}}
routing: {{default: binance}}
risk: {{per_trade_pct: 0.1, max_gross_exposure_pct: 3, orders_per_minute: 10000, max_price_deviation_pct: 20}}
webhook: {{rate_limit_per_minute: 1000000, burst: 1000000, max_age_s: 3600}}
desk: {{lease_ttl_s: 5, dead_man_s: 0}}
"""


@dataclass
class Storm:
    """What is to happen: `rate` signals a second, a deed about `every_s` seconds.

    `disk`: whether FKS_HOME lies on a small file system of its own that is filled.
    """

    signals: int
    seed: int
    every_s: float = 3.0
    rate: float = 20.0
    disk: bool = True
    say: Callable[[str], None] = lambda _: None


@dataclass
class Harm:
    """What was done to the desk."""

    kills: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)


class Scene:
    """The exchange, the desk, and their folder."""

    def __init__(self, storm: Storm) -> None:
        self.storm = storm
        self.folder = Path(tempfile.mkdtemp(prefix="fksst", dir="/tmp"))
        self.home = self.folder / "home"
        self.home.mkdir()
        self.mounted = storm.disk and _mounted(self.home)
        self.harm = Harm()
        self.sim: subprocess.Popen[str] | None = None
        self.facts: dict[str, Any] = {}
        self.port = 0
        self.base_url = ""
        self.accepted: dict[str, str] = {}
        self.refused: Counter[str] = Counter()
        self.resent = 0

    # --- up and down ---

    def start(self) -> None:
        """Start the exchange, then the desk."""
        words = (
            FKS, "exchange-sim", "--port", "0", "--admin-port", "0", "--symbols", "BTC/USDT,ETH/USDT", "--key", "storm",
            "--secret", "storm", "--balance", f"USDT={CASH}", "--seed", str(self.storm.seed),
            "--ledger", str(self.folder / "ledger.jsonl"), "--json",
        )  # fmt: skip
        with (self.folder / "sim.log").open("w") as log:
            self.sim = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, text=True, env=self._environ())
        assert self.sim.stdout is not None
        text = ""
        while not text.rstrip().endswith("}"):
            line = self.sim.stdout.readline()
            assert line, f"the exchange did not start: {(self.folder / 'sim.log').read_text()}"
            text += line
        self.facts = json.loads(text)
        config = self.folder / "storm.yaml"
        config.write_text(CONFIG.format(url=self.facts["url"]))
        self.port = _free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.types("up", "--detach", "--config", str(config), "--port", str(self.port), timeout_s=180)

    def stop(self) -> None:
        """End both; remove what they wrote."""
        subprocess.run([FKS, "down"], env=self._environ(), capture_output=True, timeout=120, check=False)
        if self.sim is not None:
            self.sim.terminate()
            self.sim.communicate(timeout=20)
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.home)], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def types(self, *words: str, timeout_s: float = 120.0) -> str:
        """`fks WORDS`; what it printed. It must succeed."""
        done = subprocess.run(
            [FKS, *words], env=self._environ(), capture_output=True, text=True, timeout=timeout_s, check=False
        )
        assert done.returncode == 0, f"fks {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def _environ(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("FKS_", "RAY_"))}
        keys = {"FKS_VENUE_BINANCE_KEY": "storm", "FKS_VENUE_BINANCE_SECRET": "storm"}
        return {**kept, **keys, "FKS_HOME": str(self.home)}

    # --- signals ---

    def send_all(self) -> None:
        """Every signal, from several senders; each repeats its own until it is answered."""
        secret = (self.home / "webhook-secret").read_text().strip()
        numbers = list(range(self.storm.signals))
        with ThreadPoolExecutor(SENDERS) as pool:
            list(pool.map(lambda own: self._send(numbers[own::SENDERS], secret), range(SENDERS)))

    def _send(self, numbers: list[int], secret: str) -> None:
        began = time.monotonic()
        with httpx.Client(base_url=self.base_url, timeout=5.0) as http:
            for number in numbers:
                time.sleep(max(0.0, began + number / self.storm.rate - time.monotonic()))
                body = json.dumps(alert(self.storm.seed, number)).encode()
                headers = {"X-Signature": "sha256=" + sign(secret, body), "Content-Type": "application/json"}
                while True:
                    try:
                        answer = http.post("/webhook/tradingview", content=body, headers=headers)
                    except httpx.HTTPError:
                        answer = None
                    if answer is not None and answer.status_code < 500:
                        break
                    self.resent += 1
                    time.sleep(0.2)
                if answer.status_code in (200, 202):
                    self.accepted[f"storm-{self.storm.seed}-{number}"] = answer.json()["signal_id"]
                else:
                    self.refused[answer.json()["error"]["code"]] += 1

    # --- weather ---

    def rage(self, over: threading.Event) -> None:
        """Do harm until it is over: each thing in turn at first, so that none is left out, then by chance."""
        dice = random.Random(self.storm.seed)
        deeds: list[Callable[[random.Random], None]] = [
            *(lambda _, name=name: self.kill(name) for name in ACTORS),
            *(lambda d, kind=kind: self.fault(kind, d) for kind in FAULTS),
            self.fill_disk,
        ]
        order = deeds.copy()
        dice.shuffle(order)
        while order or not over.is_set():
            deed = order.pop() if order else dice.choice(deeds)
            try:
                deed(dice)
            except (httpx.HTTPError, OSError) as error:
                self.storm.say(f"a deed failed: {error!r}")
            pause_s = self.storm.every_s * dice.uniform(0.5, 1.5)
            if over.wait(pause_s) and order:
                time.sleep(pause_s)

    def kill(self, name: str) -> None:
        """SIGKILL one actor or one HTTP replica."""
        mark = "ServeReplica" if name == "replica" else _CLASSES[name]
        found = [p for p in cluster_processes(self.home / "run") if mark in " ".join(p.cmdline())]
        if found:
            os.kill(found[0].pid, signal.SIGKILL)
            self.harm.kills[name] += 1
            self.storm.say(f"killed {name}")

    def fault(self, kind: str, dice: random.Random) -> None:
        """Have the exchange misbehave."""
        self.admin("POST", "faults", FAULTS[kind](dice))
        self.harm.faults[kind] += 1
        self.storm.say(f"fault {kind}")
        if kind == "maintenance":
            time.sleep(2.0)
            self.admin("POST", "faults", {"kind": "maintenance", "on": False})

    def fill_disk(self, _: random.Random) -> None:
        """Leave no byte on the desk's disk for some seconds."""
        if not self.mounted:
            return
        ballast = self.home / "ballast"
        try:
            with ballast.open("wb") as file:
                while True:
                    file.write(b"\0" * 65_536)
                    file.flush()
        except OSError:
            self.harm.faults["disk full"] += 1
            self.storm.say("the disk is full")
            time.sleep(3.0)
        finally:
            ballast.unlink(missing_ok=True)

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        """The exchange's admin port."""
        answer = httpx.request(method, f"{self.facts['admin_url']}/{path}", json=body, timeout=30)
        answer.raise_for_status()
        return answer.json()

    # --- the end ---

    def calm_down(self, seconds: float = 180.0) -> None:
        """Clear the weather; wait until every accepted signal is dealt with; halt; wait until nothing works."""
        self.admin("DELETE", "faults")
        wanted = set(self.accepted.values())
        self._until("every signal to be dealt with", lambda: not wanted - self._settled(), seconds)
        self.types("halt", "--reason", "the storm is over")
        self._until("every order to end", lambda: not self._open(), seconds)

    def _settled(self) -> set[str]:
        from fks_actors.adapters.sql import open_reader

        reader = open_reader(self._journal_url())
        try:
            signals = (reader.signal(i) for i in set(self.accepted.values()))
            return {s.signal_id for s in signals if s is not None and s.status not in ("accepted",)}
        finally:
            reader.close()

    def _open(self) -> list[str]:
        from fks_actors.adapters.sql import SqlJournal

        journal = SqlJournal(self._journal_url(), lambda: 0)
        try:
            return [o.intent.client_order_id for o in journal.open_orders()]
        finally:
            journal.close()

    def _until(self, what: str, holds: Callable[[], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, f"waited {seconds} s for {what}; {self.types('status', '--json')[:2000]}"
            time.sleep(1.0)

    def _journal_url(self) -> str:
        return str(json.loads((self.home / "run" / "desk.json").read_text())["journal_url"])

    def verdict(self) -> Verdict:
        """What the exchange's ledger says of the journal."""
        return judged(self.admin("GET", "ledger"), self._journal_url(), set(self.accepted.values()), CASH)


FAULTS: dict[str, Callable[[random.Random], dict[str, Any]]] = {
    "drop_reply": lambda d: {"kind": "drop_reply", "method": "POST", "path": "order", "count": d.randint(1, 4)},
    "drop_request": lambda d: {"kind": "drop_request", "path": "order", "count": d.randint(1, 4)},
    "http_error": lambda d: {"kind": "http_error", "path": "order", "count": d.randint(1, 4), "status": 502},
    "latency": lambda d: {"kind": "latency", "path": "order", "count": 3, "ms": d.choice([300, 2_500])},
    "partial_fill": lambda _: {"kind": "partial_fill", "count": 5, "share": "0.4"},
    "disconnect": lambda _: {"kind": "disconnect_streams", "abrupt": True},
    "maintenance": lambda _: {"kind": "maintenance", "on": True},
}
_CLASSES = {
    "connector:binance": "ray::ExchangeConnectorActor",
    "risk": "ray::RiskActor",
    "coordinator": "ray::CoordinatorActor",
    "journal": "ray::JournalActor",
}


def alert(seed: int, number: int) -> dict[str, Any]:
    """The alert of that number: mostly market orders, some limits far and near, some with protective legs."""
    dice = random.Random(f"{seed}-{number}")
    symbol = dice.choice(("BTCUSDT", "ETH/USDT"))
    unit = 0.01 if symbol == "BTCUSDT" else 0.25
    found: dict[str, Any] = {
        "symbol": symbol,
        "side": "buy" if dice.random() < 0.6 else "sell",
        "quantity": f"{unit * dice.uniform(0.2, 1.2):.4f}",
        "id": f"storm-{seed}-{number}",
    }
    chance, buys = dice.random(), found["side"] == "buy"
    if chance < 0.1:  # near ones trade at once; a few far ones, small, so that they do not use the exposure up
        far = chance < 0.01
        found["order_type"] = "limit"
        found["price"] = str(round(_PRICES[symbol] * ((0.98 if buys else 1.02) if far else (1.01 if buys else 0.99))))
        found["quantity"] = f"{unit * 0.1:.4f}" if far else found["quantity"]
    elif buys and dice.random() < 0.2:
        found["stop_loss"] = str(round(_PRICES[symbol] * 0.9))
        if dice.random() < 0.5:
            found["take_profit"] = str(round(_PRICES[symbol] * 1.1))
    return found


_PRICES = {"BTCUSDT": 0, "ETH/USDT": 0}


def storm(weather: Storm) -> tuple[Verdict, Harm]:
    """Have it; the verdict, and what was done."""
    scene = Scene(weather)
    try:
        scene.start()
        for symbol in _PRICES:
            _PRICES[symbol] = round(float(scene.admin("GET", "state")["prices"][symbol.replace("/", "")]))
        over = threading.Event()
        weather.say(f"seed {weather.seed}: {weather.signals} signals, disk faults {'on' if scene.mounted else 'OFF'}")
        raging = threading.Thread(target=scene.rage, args=(over,), daemon=True)
        raging.start()
        began = time.monotonic()
        scene.send_all()
        weather.say(f"sent in {time.monotonic() - began:.0f} s, {scene.resent} times again, refused {scene.refused}")
        over.set()
        raging.join(300)
        scene.calm_down()
        found = scene.verdict()
        scene.types("journal", "verify")
        return found, scene.harm
    finally:
        scene.stop()


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _mounted(folder: Path) -> bool:
    """A small file system of its own, where we may make one."""
    words = ["mount", "-t", "tmpfs", "-o", "size=320m,mode=0700", "tmpfs", str(folder)]
    return os.getuid() == 0 and subprocess.run(words, capture_output=True, check=False).returncode == 0


def main() -> None:
    """From the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signals", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100_000)
    parser.add_argument("--every", type=float, default=3.0, help="seconds between two deeds")
    parser.add_argument("--rate", type=float, default=20.0, help="signals a second")
    given = parser.parse_args()
    began = time.monotonic()

    def say(text: str) -> None:
        sys.stdout.write(f"{time.monotonic() - began:7.1f} s  {text}\n")
        sys.stdout.flush()

    found, harm = storm(Storm(given.signals, given.seed, given.every, given.rate, say=say))
    say(f"kills {dict(harm.kills)}")
    say(f"faults {dict(harm.faults)}")
    say(str(found))
    sys.exit(bool(found.faults))


if __name__ == "__main__":
    main()
