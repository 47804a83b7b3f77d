"""Jobs of a desk that trades, over HTTP, as from a laptop: nothing but files, an address and a token is used."""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from fks_actors.adapters.jobs.folder import unfinished
from fks_actors.cli.cluster import read_handle
from fks_actors.cli.cluster.processes import find_processes
from fks_actors.client import Client, Job

ROOT = Path(__file__).parents[3]
FKS = str(Path(sys.executable).with_name("fks"))
START_MS = 1_704_067_200_000
OWN = '''
class Swing:
    """Holds for some bars, then not."""

    name = "swing"

    def __init__(self, bars: int = 7) -> None:
        self.bars = bars
        self.seen = 0

    def on_bar(self, bar):
        self.seen += 1
        return 0.9 if self.seen // self.bars % 2 else 0.0
'''
pytestmark = [pytest.mark.ray, pytest.mark.timeout(400)]


@dataclass(frozen=True)
class Desk:
    """A desk on the simulated market, five bars a second, and the files of a laptop."""

    home: Path
    port: int
    laptop: Path

    def fks(self, *words: str, timeout_s: float = 200.0, **environ: str) -> subprocess.CompletedProcess[str]:
        """`fks WORDS` on the desk's machine, or, with FKS_HOME given, elsewhere."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("RAY_", "FKS_"))}
        env = {**kept, "FKS_HOME": str(self.home), "PYTHONPATH": str(ROOT), **environ}
        return subprocess.run(
            [FKS, *words], env=env, cwd=self.laptop, capture_output=True, text=True, timeout=timeout_s, check=False
        )

    def client(self) -> Client:
        """Somebody elsewhere with the token."""
        token = (self.home / "api-token").read_text(encoding="utf-8").strip()
        return Client(f"http://127.0.0.1:{self.port}", token)

    def processes(self, part: str) -> list[psutil.Process]:
        """The cluster's processes with a text in their command line."""
        handle = read_handle(self.home / "run")
        assert handle is not None
        found = []
        for process in find_processes(handle):
            try:
                if part in " ".join(process.cmdline()):
                    found.append(process)
            except psutil.Error:
                continue
        return found


def _walk(path: Path, bars: int) -> None:
    drawn, price = random.Random(7), 100.0
    rows = ["timestamp,open,high,low,close,volume"]
    for at in range(bars):
        close = round(price * (1 + drawn.gauss(0, 0.004)), 2)
        high, low = round(max(price, close) * 1.001, 2), round(min(price, close) * 0.999, 2)
        rows.append(f"{START_MS + at * 3_600_000},{price},{high},{low},{close},{10 + at % 7}")
        price = close
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


def eventually(what: str, look: Callable[[], Any], seconds: float = 60.0) -> Any:
    """The first truthy thing that `look` sees."""
    end = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.1)
    return seen


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    home, laptop = (Path(tempfile.mkdtemp(prefix="fksj", dir="/tmp")) for _ in range(2))
    (laptop / "mine.py").write_text(OWN, encoding="utf-8")
    _walk(laptop / "BTCUSDT-1h.csv", 6_000)
    (home / "data").mkdir()
    _walk(home / "data" / "ETHUSDT-1h.csv", 60_000)
    made = Desk(home, port, laptop)
    up = made.fks("up", "--detach", "--feed", "simulated", "--speed", "300", "--port", str(port))
    try:
        assert up.returncode == 0, up.stderr + up.stdout
        yield made
    finally:
        made.fks("down")
        for folder in (home, laptop):
            shutil.rmtree(folder, ignore_errors=True)


def test_backtest_when_submitted_with_an_own_strategy_then_it_is_what_it_is_here_and_the_desk_trades_on(
    desk: Desk,
) -> None:
    here = desk.fks("backtest", "--data", "BTCUSDT-1h.csv", "--strategy", "mine.py", "--json")
    assert here.returncode == 0, here.stderr
    heard: list[Job] = []
    with desk.client() as client:
        before = client.status()["counts"]["decisions"]
        from fks_actors.backtest.search.space import base_tree
        from fks_actors.settings import load

        settings = base_tree(load(environ={}).settings)
        job = client.submit_backtest([desk.laptop / "BTCUSDT-1h.csv"], str(desk.laptop / "mine.py"), settings)
        assert job.state == "queued"
        ended = client.wait(job.id, heard.append, timeout_s=200)
        assert (ended.state, ended.error) == ("done", "")
        assert client.status()["counts"]["decisions"] >= before + 10
        assert client.result(job.id) == json.loads(here.stdout)
        assert ended.first_line == json.loads(here.stdout)["first_line"]
        assert "<!doctype html" in client.report(job.id)[:100].lower()
    shares = [each.progress for each in heard]
    assert shares == sorted(shares)
    assert any(0.0 < share < 1.0 for share in shares)
    there = desk.fks(
        "backtest", "--data", "BTCUSDT-1h.csv", "--strategy", "mine.py", "--json", "--submit",
        "--address", f"http://127.0.0.1:{desk.port}", FKS_HOME=str(desk.laptop / "elsewhere"),
        FKS_API_TOKEN=(desk.home / "api-token").read_text(encoding="utf-8").strip(),
    )  # fmt: skip
    assert there.returncode == 0, there.stderr
    assert there.stdout == here.stdout


def test_cancel_when_a_long_job_runs_then_it_ends_and_the_next_one_begins(desk: Desk) -> None:
    with desk.client() as client:
        long = client.submit_backtest(["ETHUSDT-1h.csv"], settings={})
        short = client.submit_backtest(["ETHUSDT-1h.csv"], "sma_cross", {}, until="2024-02-01", warm=0, baselines=[])
        eventually("progress", lambda: client.backtest(long.id).progress > 0.03)
        assert client.backtest(short.id).state == "queued"
        assert "1 running" in client.backtest(short.id).doing
        (process,) = desk.processes(f"backtests/{long.id}")
        assert process.nice() == 15
        assert {name for name in process.environ() if name.startswith("FKS_")} == {"FKS_CLUSTER_ID", "FKS_JOB"}
        began = time.monotonic()
        assert client.cancel_backtest(long.id).cancelling
        assert client.wait(long.id, timeout_s=30).state == "cancelled"
        assert time.monotonic() - began < 15
        eventually("the process to end", lambda: not desk.processes(f"backtests/{long.id}"))
        assert client.wait(short.id, timeout_s=60).state == "done"
        assert client.cancel_backtest(short.id).state == "done"
    page = desk.fks("jobs", "--json")
    states = {row["id"]: row["state"] for row in json.loads(page.stdout)}
    assert (states[long.id], states[short.id]) == ("cancelled", "done")


def test_job_when_replicas_and_its_keeper_are_killed_then_it_goes_on(desk: Desk) -> None:
    with desk.client() as client:
        job = client.submit_backtest(["ETHUSDT-1h.csv"], "sma_cross", {}, until="2025-07-01", baselines=["macd"])
        eventually("progress", lambda: client.backtest(job.id).progress > 0.03)
        assert len(desk.processes(f"backtests/{job.id}")) == 1
        killed = [*desk.processes("ServeReplica"), *desk.processes("ray::JobsActor")]
        assert len(killed) == 3
        for each in killed:
            os.kill(each.pid, signal.SIGKILL)
        ended = client.wait(job.id, timeout_s=200)
        assert (ended.state, ended.error) == ("done", "")
        eventually("the process to end", lambda: not desk.processes(f"backtests/{job.id}"))
        record = json.loads((desk.home / "backtests" / job.id / "job.json").read_bytes())
        assert record["attempts"] == 1


def test_optimisation_when_submitted_then_the_workers_find_what_is_found_here(desk: Desk) -> None:
    words = ("--data", "BTCUSDT-1h.csv", "--param", "risk.per_trade_pct=1:10", "--trials", "3", "--sampler", "random")
    words += ("--cv", "none", "--warm", "100", "--until", "2024-02-15", "--json")
    here = desk.fks("optimize", *words, "--workers", "0", FKS_HOME=str(desk.laptop / "elsewhere"))
    assert here.returncode == 0, here.stderr
    there = desk.fks("optimize", *words, "--submit")
    assert there.returncode == 0, there.stderr
    ours, theirs = (json.loads(done.stdout) for done in (here, there))
    assert theirs["trials"] == ours["trials"]
    assert theirs["first_line"] == ours["first_line"]
    again = desk.fks("optimize", "--study", theirs["study"], "--show", str(theirs["best"]), "--json")
    assert again.returncode == 0, again.stderr


def test_down_when_a_job_runs_then_its_process_ends_and_it_is_there_for_the_next_desk(desk: Desk) -> None:
    with desk.client() as client:
        job = client.submit_backtest(["ETHUSDT-1h.csv"], settings={})
        eventually("progress", lambda: client.backtest(job.id).progress > 0.03)
    (process,) = desk.processes(f"backtests/{job.id}")
    down = desk.fks("down")
    assert down.returncode == 0, down.stderr
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    assert unfinished(desk.home)
