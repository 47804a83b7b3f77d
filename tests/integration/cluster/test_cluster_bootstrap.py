"""A real head with a real edge, in both proxy modes: started by one process, judged and ended by another."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from fks_actors.cli.cluster import (
    ClusterHandle,
    HeadOptions,
    cluster_processes,
    haproxy_fault,
    port_owner,
    read_handle,
    start_head,
    stop_cluster,
)
from fks_actors.cli.cluster.ports import free_ports
from fks_actors.cli.cluster.processes import find_processes, head_alive
from fks_actors.errors import AlreadyRunning

pytestmark = [pytest.mark.ray, pytest.mark.timeout(240)]
ROOT = Path(__file__).parents[3]
FORGED = {"X-Forwarded-For": "6.6.6.6"}


@dataclass(frozen=True)
class Up:
    """A cluster that runs."""

    run: Path
    port: int
    handle: ClusterHandle

    def who(self, source: str, headers: dict[str, str], path: str = "/who") -> dict[str, Any]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10, source_address=(source, 0))
        connection.request("GET", path, headers=headers)
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
        connection.close()
        return answer


@pytest.fixture(scope="module", params=["haproxy", "python"])
def up(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    if request.param == "haproxy" and (fault := haproxy_fault()):
        pytest.skip(fault)
    run = tmp_path_factory.mktemp("home") / "run"
    (port,) = free_ports(1)
    bring_up = [sys.executable, "-m", "tests.integration.cluster.bring_up", str(run), request.param, str(port)]
    done = subprocess.run(bring_up, cwd=ROOT, capture_output=True, text=True, timeout=150, check=False)
    handle = read_handle(run)
    try:
        assert done.returncode == 0, done.stderr
        assert handle is not None
        yield Up(run, port, handle)
    finally:
        if handle is not None:
            stop_cluster(handle, run)
            shutil.rmtree(handle.runtime_dir)


def test_ask_when_header_is_forged_then_replica_sees_the_true_source(up: Up) -> None:
    seen = up.who("127.0.0.9", FORGED)
    assert seen["client"] == "127.0.0.9"
    assert seen["chain"] == ("6.6.6.6, 127.0.0.9" if up.handle.proxy == "haproxy" else "6.6.6.6")


@pytest.mark.parametrize("claim", ["6.6.6.6", "6.6.6.6, 127.83.0.1", "127.83.0.1", "127.0.0.1"])
def test_ask_when_local_caller_forges_then_it_stays_local(up: Up, claim: str) -> None:
    assert up.who("127.0.0.1", {"X-Forwarded-For": claim})["client"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("source", "claim", "peer"),
    [
        ("127.0.0.9", "", "127.0.0.9"),
        ("127.0.0.9", "6.6.6.6", "127.0.0.9"),
        ("127.0.0.1", "127.0.0.9", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.9, 127.0.0.2", "127.0.0.1"),
        ("127.0.0.2", "127.0.0.9", "127.0.0.9"),
        ("127.0.0.2", "6.6.6.6, 127.0.0.9", "127.0.0.9"),
        ("127.0.0.2", "127.0.0.9, 127.0.0.3", "127.0.0.9"),
        ("127.0.0.2", "127.0.0.9, 6.6.6.6", "6.6.6.6"),
        ("127.0.0.2", "127.0.0.9, bogus", "127.0.0.2"),
        ("127.0.0.2", "", "127.0.0.2"),
    ],
)
def test_ask_when_only_one_address_is_allowed_then_nobody_else_becomes_it(
    up: Up, source: str, claim: str, peer: str
) -> None:
    seen = up.who(source, {"X-Forwarded-For": claim} if claim else {}, "/door")
    assert seen == {"peer": peer, "admitted": peer == "127.0.0.9"}


def test_start_head_when_one_runs_here_then_refused(up: Up) -> None:
    with pytest.raises(AlreadyRunning):
        start_head(HeadOptions(up.run))


def test_find_cluster_when_a_job_looks_in_its_own_temp_dir_then_it_is_ours(up: Up) -> None:
    named = Path(up.handle.runtime_dir) / "r" / "ray_current_cluster"
    assert named.read_text(encoding="utf-8").strip() == up.handle.address


def test_kill_when_one_of_two_replicas_dies_then_at_most_one_request_is_lost(up: Up) -> None:
    os.kill(up.who("127.0.0.1", {})["pid"], signal.SIGKILL)
    lost = 0
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        try:
            up.who("127.0.0.1", {})
        except (OSError, ValueError):
            lost += 1
    assert lost <= 1


def test_stop_cluster_when_head_crashed_then_nothing_is_left(up: Up) -> None:
    os.kill(up.handle.pid, signal.SIGKILL)
    report = stop_cluster(up.handle, up.run)
    assert report.took_s < 6
    assert not head_alive(up.handle)
    assert find_processes(up.handle) == []
    assert cluster_processes(up.run) == []
    assert port_owner("127.0.0.1", up.port) is None
    assert read_handle(up.run) is None


def test_stop_cluster_when_asked_nicely_then_nothing_is_left(tmp_path: Path) -> None:
    run = tmp_path / "run"
    start = (
        f"from fks_actors.cli.cluster import *; from pathlib import Path; start_head(HeadOptions(Path({str(run)!r})))"
    )
    subprocess.run([sys.executable, "-c", start], cwd=ROOT, check=True, timeout=120)
    handle = read_handle(run)
    assert handle is not None
    assert len(cluster_processes(run)) >= 4
    report = stop_cluster(handle, run)
    shutil.rmtree(handle.runtime_dir)
    assert report.took_s < 6
    assert find_processes(handle) == []
