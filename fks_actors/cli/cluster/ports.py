"""Which ports are free, and who holds one that is not."""

import errno
import hashlib
import secrets
import socket

import psutil

from fks_actors.errors import ClusterError

# Above Ray's worker ports (10002-19999), below the replicas' (30000-32599) and the kernel's ephemeral range.
_FIRST, _LAST = 20_000, 29_999
_ATTEMPTS = 200
_REPLICAS_FIRST, _REPLICAS_EACH, _REPLICAS_BLOCKS = 30_000, 200, 13


def free_ports(count: int) -> tuple[int, ...]:
    """`count` different ports that are free on loopback now.

    Raises:
        ClusterError: none found.
    """
    found: set[int] = set()
    for _ in range(_ATTEMPTS * count):
        if len(found) == count:
            return tuple(sorted(found))
        port = _FIRST + secrets.randbelow(_LAST - _FIRST + 1)
        if port not in found and _is_free("127.0.0.1", port):
            found.add(port)
    raise ClusterError(f"no {count} free ports between {_FIRST} and {_LAST}")


def replica_ports(name: str) -> tuple[int, int]:
    """First and last port for the replicas of a cluster: another block for another name, nearly always.

    A replica's port is used again by the next replica; two desks of one machine must not hand theirs to each other.
    """
    digest = hashlib.sha256(name.encode()).digest()
    first = _REPLICAS_FIRST + _REPLICAS_EACH * (digest[0] % _REPLICAS_BLOCKS)
    return first, first + _REPLICAS_EACH - 1


def port_owner(host: str, port: int) -> str | None:
    """Who holds the port: None when it is free, `name (pid N)`, or an empty string where the system does not tell."""
    if _is_free(host, port):
        return None
    try:
        listening = [c for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
    except psutil.AccessDenied:
        return ""
    for connection in listening:
        if connection.laddr and connection.laddr[1] == port and connection.pid:
            try:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
            except psutil.Error:
                continue
    return ""


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise ClusterError(f"cannot bind {host}:{port}: {error.strerror}") from None
    return True
