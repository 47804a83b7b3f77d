"""`fks backtest` in a process of its own: Ctrl-C in the midst of a run, and what a start loads."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli_runs import FKS
from tests.market import batches, write_files

ROOT = Path(__file__).parents[3]
DEADLINE_S = 60.0
SLOW = """
import time
from pathlib import Path

class Slow:
    def on_bar(self, bar):
        Path({mark!r}).touch()
        time.sleep(0.05)
        return 0.5
"""


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    data = write_files(folder, batches(1_500)).removeprefix("replay:").split(",")
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("FKS_", "RAY_"))}
    return subprocess.Popen(
        [*FKS, "backtest", "--data", data[0], *options],
        env={**environ, "FKS_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT)},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_backtest_when_interrupted_then_130_and_how_far_it_got(number: signal.Signals, tmp_path: Path) -> None:
    mark = tmp_path / "began"
    (tmp_path / "slow.py").write_text(SLOW.format(mark=str(mark)))
    running = start(tmp_path, "--strategy", "slow.py", "--json")
    deadline = time.monotonic() + DEADLINE_S
    while not mark.exists() and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert mark.exists(), running.communicate()
    running.send_signal(number)
    begin = time.monotonic()
    out, err = running.communicate(timeout=DEADLINE_S)
    assert time.monotonic() - begin < 15.0, "it played on to the end of a block"
    assert (running.returncode, out) == (130, "")
    assert err.startswith("fks: interrupted: ")
    assert err.endswith("; nothing was written\n")
    assert len(err.splitlines()) == 1


def test_backtest_when_interrupted_before_the_first_bar_then_it_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, signal\n"
            "from fks_actors.cli.watching import watched\n"
            "async def work(told):\n"
            "    os.kill(os.getpid(), signal.SIGINT)\n"
            "    told('a part', 0, 9)\n"
            "    raise AssertionError('it went on')\n"
            "try:\n"
            "    watched(work, True)\n"
            "except BaseException as error:\n"
            "    print(type(error).__name__, error.exit_code)\n",
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )
    assert done.stdout == "Exit 130\n"
    assert done.stderr == "fks: interrupted: a part was at bar 0 of 9; nothing was written\n"
