"""`fks exchange-sim` as a process of its own, for benchmarks."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[2]
_START = "import sys; from fks_actors.cli.main import main; sys.argv[0] = 'fks'; main()"


@contextmanager
def exchange_sim(*args: str) -> Iterator[dict[str, Any]]:
    """The facts that it prints: url, key, secret."""
    command = [sys.executable, "-c", _START, "exchange-sim", "--port", "0", "--admin-port", "0", "--json", *args]
    environ = {**os.environ, "PYTHONPATH": str(_ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as process:
        try:
            assert process.stdout is not None
            text = ""
            while not text.endswith("}\n"):
                line = process.stdout.readline()
                assert line, "the exchange did not start"
                text += line
            yield json.loads(text)
        finally:
            process.terminate()
            process.wait(20)
