"""`fks optimize` in processes of its own: killed, interrupted, out of disk, on Ray, with a worker that dies."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from fks_actors.cli.cluster import read_handle, stop_cluster
from tests.cli_runs import FKS
from tests.unit.backtest.search.scene import recording

pytestmark = pytest.mark.timeout(280)
ROOT = Path(__file__).parents[3]
TRIALS = 6
BLOCKS = 3


class Scene:
    """A home, a recording, and the command over it."""

    def __init__(self, folder: Path, name: str = "home") -> None:
        self.home = folder / name
        (folder / "one.yaml").write_text("agents:\n  minds: [short_term, mid_term]\n  debate: {min_votes: 1}\n")
        self.options = (
            "--data", str(recording(folder, 1_500)), "--config", str(folder / "one.yaml"), "--study", "s",
            "--param", "risk.per_trade_pct=5:60:5", "--param", "agents.debate.threshold=0.1:0.6",
            "--trials", str(TRIALS), "--warm", "20", "--cv", "purged:3:purge=2:embargo=1", "--sampler", "random",
        )  # fmt: skip
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("FKS_", "RAY_"))}
        self.environ = {**kept, "FKS_HOME": str(self.home), "PYTHONPATH": str(ROOT)}

    @contextmanager
    def begun(self, *options: str) -> Iterator["subprocess.Popen[str]"]:
        process = subprocess.Popen(
            [*FKS, "optimize", *options],
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate(timeout=60)

    def ran(self, *options: str, **environ: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [*FKS, "optimize", *options],
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            timeout=200,
        )
        return done.returncode, done.stdout, done.stderr

    def outcomes(self) -> dict[str, tuple[int, int]]:
        """File to (inode, time of writing)."""
        found = {}
        for path in (self.home / "studies" / "s" / "outcomes").glob("*.bin"):
            stat = path.stat()
            found[path.name] = (stat.st_ino, stat.st_mtime_ns)
        return found


def until(condition: Callable[[], Any], timeout_s: float = 90.0) -> Any:
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError("it did not come to be in time")


def same_trials(one: dict[str, Any], other: dict[str, Any]) -> bool:
    assert one["tried"] == one["completed"] == TRIALS
    return all(one[key] == other[key] for key in ("trials", "searched", "deflated_sharpe", "overfitting", "first_line"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The search without any trouble, in one process."""
    scene = Scene(tmp_path_factory.mktemp("whole"))
    code, out, err = scene.ran(*scene.options, "--json")
    assert code == 0, err
    return dict(json.loads(out))


def test_optimize_when_killed_in_the_middle_then_resumed_as_if_it_was_not(
    tmp_path: Path, whole: dict[str, Any]
) -> None:
    scene = Scene(tmp_path)
    with scene.begun(*scene.options, "--json") as process:
        until(lambda: len(scene.outcomes()) >= BLOCKS + 2)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    before = scene.outcomes()
    assert BLOCKS + 2 <= len(before) < TRIALS * BLOCKS
    code, out, err = scene.ran("--study", "s", "--resume", "--json")
    assert code == 0, err
    after = scene.outcomes()
    assert len(after) == TRIALS * BLOCKS
    assert {name: after[name] for name in before} == before
    assert same_trials(json.loads(out), whole)


def test_optimize_when_the_disk_is_full_then_told_and_goes_on_when_it_is_not(
    tmp_path: Path, whole: dict[str, Any]
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], capture_output=True)
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here (no root)")
    try:
        scene = Scene(tmp_path, "disk/home")
        code, _, err = scene.ran(*scene.options[:-8], "--trials", "2", *scene.options[-6:])
        assert code == 0, err
        ballast = disk / "ballast"
        with pytest.raises(OSError, match="No space"):
            fill(ballast)
        before = scene.outcomes()
        code, out, err = scene.ran("--study", "s", "--resume", "--trials", str(TRIALS))
        assert (code, out) == (5, "")
        assert "free disk space, then go on with --resume" in err
        assert scene.outcomes() == before
        ballast.unlink()
        code, out, err = scene.ran("--study", "s", "--resume", "--trials", str(TRIALS), "--json")
        assert code == 0, err
        after = scene.outcomes()
        assert {name: after[name] for name in before} == before
        assert same_trials(json.loads(out), whole)
    finally:
        subprocess.run(["umount", disk], check=True)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4_096)


def busy(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    """Ray workers under the command that run a block now."""
    found = []
    for child in psutil.Process(process.pid).children(recursive=True):
        try:
            if child.cmdline()[:1] and child.cmdline()[0].startswith("ray::run_nicely"):
                found.append(child)
        except psutil.Error:
            continue
    return found


@pytest.mark.ray
def test_optimize_when_a_worker_is_killed_then_its_block_is_run_again(tmp_path: Path, whole: dict[str, Any]) -> None:
    scene = Scene(tmp_path)
    with scene.begun(*scene.options, "--workers", "2", "--json") as process:
        until(lambda: len(scene.outcomes()) >= 2)
        (victim, *_) = until(lambda: busy(process))
        victim.send_signal(signal.SIGKILL)
        out, err = process.communicate(timeout=200)
        assert process.returncode == 0, err
    assert same_trials(json.loads(out), whole)
    assert len(scene.outcomes()) == TRIALS * BLOCKS


@pytest.mark.ray
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_optimize_when_the_driver_of_workers_ends_then_nothing_stays_and_it_resumes(
    tmp_path: Path, whole: dict[str, Any], how: signal.Signals
) -> None:
    scene = Scene(tmp_path)
    with scene.begun(*scene.options, "--workers", "2", "--json") as process:
        until(lambda: len(scene.outcomes()) >= 2)
        under = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(how)
        _, err = process.communicate(timeout=60)
    assert len(under) > 3
    # Ray's agents go on telling a head that was killed of its end for a minute.
    until(lambda: not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in under), 100.0)
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert "fks optimize --study s --resume" in err
    before = scene.outcomes()
    assert len(before) < TRIALS * BLOCKS
    code, out, err = scene.ran("--study", "s", "--resume", "--json")
    assert code == 0, err
    after = scene.outcomes()
    assert {name: after[name] for name in before} == before
    assert same_trials(json.loads(out), whole)


_HEAD = """
import sys
from pathlib import Path
from fks_actors.cli.cluster import HeadOptions, start_head
start_head(HeadOptions(Path(sys.argv[1]), num_cpus=2, object_store_mb=100, proxy="python"))
"""


_JOB = """
import asyncio, json, sys
from pathlib import Path
import msgspec, ray
from fks_actors.actors.trials import search_on_cluster
from fks_actors.backtest.search.record import SearchSpec
from fks_actors.backtest.search.store import Store, study_folder
home = Path(sys.argv[1])
kept = Store.reopen(study_folder(home, "s")).spec
spec = msgspec.json.decode(msgspec.json.encode(msgspec.structs.replace(kept, study="job")), type=SearchSpec)
ray.init(address=sys.argv[2], log_to_driver=False, logging_level="ERROR")
blocks = []
found = asyncio.run(search_on_cluster(spec, home, 2, told=lambda now: blocks.append(now.blocks)))
print(json.dumps({**found, "blocks": blocks[-1]}))
"""


@pytest.mark.ray
def test_optimize_when_a_cluster_runs_elsewhere_then_its_workers_do_it(tmp_path: Path, whole: dict[str, Any]) -> None:
    scene, run = Scene(tmp_path), tmp_path / "elsewhere"
    done = subprocess.run(
        [sys.executable, "-c", _HEAD, str(run)], env=scene.environ, capture_output=True, text=True, timeout=120
    )
    handle = read_handle(run)
    assert handle is not None, done.stderr
    try:
        assert done.returncode == 0, done.stderr
        token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": handle.token_path}
        code, out, err = scene.ran(*scene.options, "--address", handle.address, "--json", **token)
        assert code == 0, err
        assert same_trials(json.loads(out), whole)
        job = subprocess.run(
            [sys.executable, "-c", _JOB, str(scene.home), handle.address],
            env={**scene.environ, **token},
            capture_output=True,
            text=True,
            timeout=150,
        )
        assert job.returncode == 0, job.stderr
        found = json.loads(job.stdout)
        assert same_trials(found, whole)
        assert (found["study"], found["blocks"]) == ("job", TRIALS * BLOCKS)
        refused, _, err = scene.ran(*scene.options, "--address", "desk", "--json")
        assert (refused, "no desk runs here" in err) == (1, True)
    finally:
        stop_cluster(handle, run)
        shutil.rmtree(handle.runtime_dir, ignore_errors=True)
