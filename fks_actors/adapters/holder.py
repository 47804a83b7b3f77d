"""Who holds a lease, in a form that tells later whether that process still lives: `<host>:<pid>:<start>`.

`host` names one boot of one kernel and one space of process ids (containers have their own), so that two machines with
the same name are never mixed up. `start` tells a process from a later one with the same id: on Linux in clock ticks
since boot, which no change of the clock moves. Dead is said only of what is proved; everything else lives.
"""

import os
import socket
import uuid
from contextlib import suppress
from pathlib import Path

import psutil

_PROC = Path("/proc")


def this_holder() -> str:
    """Name the process that asks."""
    pid = os.getpid()
    return f"{_host()}:{pid}:{_start(pid)}"


def is_dead(holder: str) -> bool:
    """Tell whether the process that `this_holder` named is gone for certain; only its own host can tell."""
    host, _, rest = holder.partition(":")
    pid, _, start = rest.partition(":")
    if host != _host() or not start or not (pid.isascii() and pid.isdigit() and 0 < int(pid) < 1 << 31):
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass  # it is another user's: its start may still be read
    found = _start(int(pid))
    return found not in ("", start)


def _host() -> str:
    """No colons in it."""
    name = socket.gethostname()
    with suppress(OSError):
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{name}/{boot}/{(_PROC / 'self/ns/pid').stat().st_ino}".replace(":", "_")
    return f"{name}/{uuid.getnode():x}".replace(":", "_")


def _start(pid: int) -> str:
    """When the process started, "ended" for one whose parent only has to hear of its end, "" where nobody may know."""
    if (_PROC / "self/stat").exists():
        try:
            fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        state, threads, start = fields[0], int(fields[17]), fields[19]
        return "ended" if state in "ZX" and threads <= 1 else start
    try:
        return str(psutil.Process(pid).create_time())
    except psutil.Error:
        return ""
