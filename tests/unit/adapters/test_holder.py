"""A holder is called dead only where that is certain."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from fks_actors.adapters.holder import is_dead, this_holder

SAY = "from fks_actors.adapters.holder import this_holder as t; import sys; print(t(), flush=True); sys.stdin.read()"


@pytest.fixture
def other() -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", SAY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_is_dead_when_it_is_this_process_then_it_lives() -> None:
    assert not is_dead(this_holder())
    assert this_holder() == this_holder()
    assert this_holder().split(":")[1] == str(os.getpid())


def test_is_dead_when_another_process_was_killed_then_before_and_after_its_parent_knows(
    other: "subprocess.Popen[str]",
) -> None:
    assert other.stdout is not None
    holder = other.stdout.readline().strip()
    assert not is_dead(holder)
    other.kill()
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    assert is_dead(holder)
    other.wait()
    assert is_dead(holder)


def test_is_dead_when_its_id_went_to_a_later_process_then_it_is() -> None:
    host, pid, start = this_holder().split(":")
    assert is_dead(f"{host}:{pid}:{int(start) - 1}")


def test_is_dead_when_it_ran_elsewhere_or_is_unreadable_then_nothing_is_certain() -> None:
    host, pid, start = this_holder().split(":")
    for holder in (
        f"elsewhere:{pid}:1",
        f"{host}:{pid}:",
        f"{host}:x:{start}",
        f"{host}:-1:1",
        f"{host}:0:1",
        host,
        "",
    ):
        assert not is_dead(holder)
    assert not is_dead(f"{host}:{2**40}:1")
