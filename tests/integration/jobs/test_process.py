"""The process of a job, started as Ray's job server does, over strategies that mean no good."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fks_actors.actors.jobs.process import LIMITS, Limits
from fks_actors.adapters.jobs.folder import LOG, OUTCOME, PROGRESS, RECORD, JobFolder, Outcome, Progress, Record, State

ROOT = Path(__file__).parents[3]
JOB = "01a2145074c-2ab50a42ec54939f"
BODY = "class Mine:\n    memory_bars = 10\n    def on_bar(self, bar):\n        {}\n        return 0.5\n"


class Started:
    """A job whose strategy is this text, in a process of its own."""

    def __init__(self, home: Path, line: str, memory_mb: int = 2_048, **spec: Any) -> None:
        self.folder = JobFolder(home / "backtests" / JOB)
        rows = [f"{1_704_067_200_000 + at * 3_600_000},9,9.5,8.5,{9 + at % 2 / 10},5" for at in range(20_000)]
        bars = "\n".join(["timestamp,open,high,low,close,volume", *rows])
        self.folder.write("data/0/BTCUSDT-1h.csv", bars.encode())
        self.folder.write("sources/mine.py", BODY.format(line).encode())
        told = {"data": [{"name": "BTCUSDT-1h.csv"}], "warm": 0, "baselines": [], **spec}
        if "sweep" not in spec:
            told |= {"strategy": "mine.py", "sources": [{"file": "mine.py", "text": BODY.format(line)}]}
        self.folder.write("spec.json", json.dumps(told).encode())
        self.folder.write("tree.json", b"{}")
        limits = Limits(
            home=str(home), folders=(str(home / "data"),), namespace="t", workers=0, nice=10, memory_mb=memory_mb
        )
        self.folder.put(LIMITS, limits)
        self.folder.put(
            RECORD, Record(id=JOB, kind="backtest", label="", strategy="", data=(), created_ms=1, state=State.RUNNING)
        )
        words = (sys.executable, "-P", "-m", "fks_actors.actors.jobs.process", str(self.folder.path))
        env = {**os.environ, "PYTHONPATH": str(ROOT), "FKS_API_TOKEN": "the-token", "FKS_VENUE_X_KEY": "the-key"}
        self.process = subprocess.Popen(words, env=env, start_new_session=True)

    def ended(self, seconds: float = 60.0) -> Outcome:
        """Its last word."""
        self.process.wait(seconds)
        outcome = self.folder.get(OUTCOME, Outcome)
        assert outcome is not None
        return outcome


def test_process_when_the_strategy_looks_for_secrets_then_there_are_none_in_its_environment(tmp_path: Path) -> None:
    line = "import os; print([n for n in os.environ if n.startswith('FKS_')], os.nice(0), flush=True); raise OSError(1)"
    job = Started(tmp_path, line)
    job.ended()
    log = (job.folder.path / LOG).read_text(encoding="utf-8")
    assert log.startswith("['FKS_JOB'] 10\n")
    assert "the-" not in log


def test_process_when_the_strategy_takes_all_memory_then_it_gets_none_and_abstains(tmp_path: Path) -> None:
    outcome = Started(tmp_path, "self.much = bytearray(3 * 2**30)", memory_mb=1_024).ended()
    assert (outcome.state, outcome.summary["fills"]) == (State.DONE, 0)


def test_process_when_the_strategy_cannot_be_made_then_its_file_and_line_and_no_folder(tmp_path: Path) -> None:
    job = Started(tmp_path, "pass")
    job.process.kill()
    job.process.wait()
    (job.folder.path / "sources" / "mine.py").write_text("raise ValueError('not today')\n", encoding="utf-8")
    words = (sys.executable, "-P", "-m", "fks_actors.actors.jobs.process", str(job.folder.path))
    job.process = subprocess.Popen(words, env={**os.environ, "PYTHONPATH": str(ROOT)})
    outcome = job.ended()
    assert outcome.state is State.FAILED
    assert "not today" in outcome.error
    assert "mine.py" in outcome.error
    assert str(tmp_path) not in outcome.error


def test_process_when_told_to_end_then_its_last_word_is_cancelled(tmp_path: Path) -> None:
    job = Started(tmp_path, "sum(range(20_000))")
    end = time.monotonic() + 60
    while (job.folder.get(PROGRESS, Progress) or Progress()).share < 0.05:
        assert time.monotonic() < end
        assert job.process.poll() is None
        time.sleep(0.05)
    os.killpg(job.process.pid, signal.SIGTERM)
    assert job.ended(10).state is State.CANCELLED
    assert job.process.returncode == 0


def test_process_when_the_strategy_prints_without_end_then_the_log_stays_small(tmp_path: Path) -> None:
    outcome = Started(tmp_path, "print('x' * 2_000)").ended(120)
    assert outcome.state is State.DONE
    assert (tmp_path / "backtests" / JOB / LOG).stat().st_size < 16 * 2**20


def test_process_when_it_is_a_sweep_then_the_sets_are_told(tmp_path: Path) -> None:
    pytest.importorskip("numba")
    job = Started(
        tmp_path, "pass", kind="sweep", sweep={"rule": "ema_cross", "grid": {"fast": [3, 5], "slow": [9]}, "top": 5}
    )
    outcome = job.ended(120)
    assert (outcome.state, outcome.error) == (State.DONE, "")
    found = json.loads(job.folder.read("result.json") or b"")
    assert (found["tried"], len(found["sets"])) == (2, 2)
    assert outcome.first_line == found["first_line"]
