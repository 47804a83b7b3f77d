"""A Redis of the test's own: Debian's redis-server on a free loopback port, with nothing on disk but its folder."""

import shutil
import socket
import subprocess
import time
from pathlib import Path


class RedisServer:
    """One server process; `stop` and `start` keep its port, `freeze` keeps it from answering."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def missing() -> str:
        """Why there is none, or an empty string."""
        return "" if shutil.which("redis-server") else "redis-server is not on PATH (Debian: apt install redis-server)"

    def start(self, *more: str) -> None:
        """Start it and wait until it listens."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        command = ["redis-server", *options, "--dir", str(self._folder), "--daemonize", "no", *more]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1):
                    return
            except OSError:
                assert time.monotonic() < deadline, "redis-server did not start"
                time.sleep(0.02)

    def signal(self, number: int) -> None:
        """Send it a signal (SIGSTOP freezes it)."""
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None
