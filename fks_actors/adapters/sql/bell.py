"""A bell beside a SQLite inbox: whoever stored a signal rings it, and a desk on the same machine hears of it at once.

A UNIX datagram socket next to the file, which costs microseconds where a call of an actor costs a millisecond or two.
A ring says that there is something to read, nothing else; one that is lost costs the time until the next look.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

_LONGEST = 107
"""Bytes that the kernel takes as a socket's path."""
_AT_ONCE = 64


def _place(inbox: Path | None) -> str:
    """Where the bell of an inbox hangs; "" beside a database that is no file, and where the path is too long."""
    place = f"{inbox}.bell" if inbox is not None else ""
    return place if len(os.fsencode(place)) <= _LONGEST else ""


class Bell:
    """Rings; for one thread at a time."""

    def __init__(self, inbox: Path | None) -> None:
        self._place = _place(inbox)
        self._socket: socket.socket | None = None

    def ring(self) -> bool:
        """Tell the desk; whether somebody is there to hear it."""
        if not self._place:
            return False
        try:
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                self._socket.setblocking(False)
            self._socket.sendto(b"1", self._place)
        except BlockingIOError:  # it has more rings than it has looked at
            return True
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Give the socket back."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class Ear:
    """Listens on this event loop; the last who listens is the one who hears."""

    def __init__(self, inbox: Path | None, heard: Callable[[], None]) -> None:
        """`heard` is called once for all rings that came together.

        Raises:
            OSError: a bell cannot hang there.
        """
        place = _place(inbox)
        if not place:
            raise OSError(f"no bell can hang beside {inbox}")
        self._heard = heard
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(place)
            self._socket.bind(place)
            os.chmod(place, 0o600)
        except OSError:
            self._socket.close()
            raise
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._listen)

    def close(self) -> None:
        """Listen no more. The socket's file stays: it may be a successor's."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _listen(self) -> None:
        with contextlib.suppress(BlockingIOError):
            for _ in range(_AT_ONCE):
                self._socket.recv(8)
        self._heard()
