"""Compiled Python, kept. A cluster is some twenty Python processes, and each imports the same 2,000 modules.

With PYTHONDONTWRITEBYTECODE set, or installed read-only and uncompiled, every process compiles them anew: 1-2 s of CPU
each, half of the time that a start takes. Then, and only then, they share a private cache outside the source trees.
"""

import importlib.util
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from fks_actors.cli.cluster.paths import private_dir


def bytecode_env(environ: Mapping[str, str], cache: Path, compiled_or_writable: bool) -> dict[str, str]:
    """What to set so that compiled modules are kept; nothing where Python keeps them by itself. Pure."""
    forbidden = bool(environ.get("PYTHONDONTWRITEBYTECODE"))
    if environ.get("PYTHONPYCACHEPREFIX"):
        return {"PYTHONDONTWRITEBYTECODE": ""} if forbidden else {}
    if not forbidden and compiled_or_writable:
        return {}
    return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(cache)}


def keep_bytecode() -> None:
    """Apply `bytecode_env` to this process and to those it starts. Call it before the heavy imports."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "fks" / "bytecode"
    change = bytecode_env(os.environ, cache, _ray_is_compiled_or_writable())
    if prefix := change.get("PYTHONPYCACHEPREFIX"):
        private_dir(cache)
        sys.pycache_prefix = prefix
    if change:
        os.environ.update(change)
        sys.dont_write_bytecode = False


def _ray_is_compiled_or_writable() -> bool:
    spec = importlib.util.find_spec("ray")
    if spec is None or spec.origin is None:
        return True
    folder = Path(spec.origin).parent
    return (folder / "__pycache__").is_dir() or os.access(folder, os.W_OK)
