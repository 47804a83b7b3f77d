"""Where the cluster keeps its files.

What a user looks for lies in FKS_HOME/run. Ray and HAProxy add up to 80 characters of their own before a Unix socket's
name, and a socket's path ends at 107, so their folders lie in a short private one of /tmp, one for each FKS_HOME.
"""

import hashlib
import os
import secrets
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from fks_actors.errors import ClusterError

_TMP = Path("/tmp")  # noqa: S108 (private_dir refuses a folder that is not ours alone)


@dataclass(frozen=True, slots=True)
class ClusterPaths:
    """The cluster's files of one FKS_HOME/run."""

    run: Path

    @property
    def runtime(self) -> Path:
        """The short folder; the same for the same home."""
        digest = hashlib.sha256(str(self.run.absolute()).encode()).hexdigest()[:10]
        return _TMP / f"fks-{digest}"

    @property
    def ray(self) -> Path:
        """Ray's temp dir: sessions, sockets, logs."""
        return self.runtime / "r"

    @property
    def haproxy(self) -> Path:
        """HAProxy's config, sockets and state, in a folder per node."""
        return self.runtime / "h"

    @property
    def launcher(self) -> Path:
        """The executable that Serve starts in HAProxy's place."""
        return self.run / "haproxy" / "haproxy"

    @property
    def token(self) -> Path:
        """Ray's token: whoever reads it commands the cluster."""
        return self.run / "ray-token"

    @property
    def log(self) -> Path:
        """What the head process says."""
        return self.run / "ray-head.log"

    @property
    def ready(self) -> Path:
        """Written by the head process when the cluster answers."""
        return self.runtime / "ready.json"

    @property
    def settled(self) -> Path:
        """Written by us when the desk is up: now the dashboard may start."""
        return self.runtime / "settled"


def lay_out(paths: ClusterPaths) -> None:
    """Make the folders and the token; drop what earlier runs left, except the last session's logs."""
    for folder in (paths.run, paths.runtime, paths.ray, paths.haproxy, paths.launcher.parent):
        private_dir(folder)
    if not paths.token.exists():
        descriptor = os.open(paths.token, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secrets.token_hex(32))
    paths.ready.unlink(missing_ok=True)
    paths.settled.unlink(missing_ok=True)
    sessions = sorted(path for path in paths.ray.glob("session_2*") if path.is_dir())
    for old in (*sessions[:-1], *paths.haproxy.iterdir()):
        shutil.rmtree(old, ignore_errors=True)


def private_dir(folder: Path) -> None:
    """Make the folder 0700, or take it over if it is ours.

    Raises:
        ClusterError: it is a link or somebody else's.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        held = folder.lstat()
    except OSError as error:
        raise ClusterError(f"{folder} cannot be made: {error.strerror}") from None
    if not stat.S_ISDIR(held.st_mode) or held.st_uid != os.getuid():
        raise ClusterError(f"{folder} belongs to somebody else; have it removed")
    folder.chmod(0o700)
