"""Started by Serve in HAProxy's place: mends the generated config, then becomes HAProxy (same pid).

Ray 2.60's HAProxy adds no X-Forwarded-For, and the replica's uvicorn believes the one that a caller sent. So here
- HAProxy appends the true source to X-Forwarded-For, after whatever the caller claims, and
- connects to replicas on this host from 127.83.0.1, the only peer whose X-Forwarded-For uvicorn believes
  (FORWARDED_ALLOW_IPS, `serve_env`): it takes the last entry, HAProxy's. So `request.client.host` is the true peer, and
  the header still holds the chain of a TLS proxy in front, for who trusts that peer.
Seen with a caller from 127.0.0.9 that sends `X-Forwarded-For: 6.6.6.6`: client.host is 127.0.0.9, in both proxy modes;
the header reads `6.6.6.6` in Python mode, and has a second line, `127.0.0.9`, in HAProxy mode.

An alert's sender is not watched for hanging up (Serve would end the request): what was read is stored, and two tasks an
alert are saved.

Also: the statistics and metrics listeners go to loopback, the admin socket to 0600, syslog off.
A config that it does not know ends it with an error: no HAProxy rather than a forgeable one.
Run by `python -I -S`: standard library only.
"""

import os
import re
import sys
from itertools import pairwise
from pathlib import Path

SOURCE = "127.83.0.1"
_MARK = "# mended by fks"
_SECTION = re.compile(r"^(global|defaults|frontend|backend|listen)\b\s*(\S*)")
_SOCKET = re.compile(r"^(\s*stats socket \S+) mode \d+ (.*)$")
_ANY_BIND = re.compile(r"^(\s*bind )\*?:(\d+)$")
_LOCAL_SERVER = re.compile(r"^\s*server \S+ (127\.[\d.]+|localhost):\d+ ")


_REQUEST = (
    "    http-request add-header X-Forwarded-For %[src]",
    "    http-request set-header X-Request-Disconnect-Disabled ?1 if { path /webhook/tradingview }",
)


class UnknownConfig(Exception):
    """Ray generates another config than this was written for."""


def mend(config: str) -> str:
    """The config with true sources and closed listeners; a mended one comes back unchanged.

    Raises:
        UnknownConfig: a part that must be mended is not there.
    """
    if config.startswith(_MARK):
        return config
    lines: list[str] = [_MARK]
    section = name = ""
    mended: set[str] = set()
    for line in config.splitlines():
        if found := _SECTION.match(line):
            section, name = found.group(1), found.group(2)
        new, what = _mend_line(line, section, name)
        lines += new
        mended.add(what)
    if missing := {"socket", "prometheus", "stats", "source"} - mended:
        raise UnknownConfig(f"not found in HAProxy's config: {', '.join(sorted(missing))}")
    return "\n".join(lines) + "\n"


def _mend_line(line: str, section: str, name: str) -> tuple[list[str], str]:
    if section == "global" and (socket := _SOCKET.match(line)):
        return [f"{socket.group(1)} mode 600 {socket.group(2)}"], "socket"
    if section == "global" and line.startswith("    log "):
        return [], "log"
    if name in ("prometheus", "stats") and (bind := _ANY_BIND.match(line)):
        return [f"{bind.group(1)}127.0.0.1:{bind.group(2)}"], name
    if name == "http_frontend" and line.lstrip().startswith("bind "):
        return [line, *_REQUEST], "source"
    if section == "backend" and _LOCAL_SERVER.match(line):
        return [f"{line} source {SOURCE}"], "server"
    return [line], ""


def mend_file(path: Path) -> None:
    """Mend the config in place (Serve finds its processes by this path), whole or not at all."""
    config = path.read_text(encoding="utf-8")
    mended = mend(config)
    if mended != config:
        partial = path.with_name(f"{path.name}.{os.getpid()}")
        partial.write_text(mended, encoding="utf-8")
        partial.chmod(0o600)
        partial.replace(path)


def config_files(arguments: list[str]) -> list[Path]:
    """The files named by `-f`, for a start, a reload (`-sf`, `-x`) or a check (`-c`) alike; none for `-v`."""
    return [Path(after) for flag, after in pairwise(arguments) if flag == "-f"]


def main(binary: str, arguments: list[str]) -> None:
    """Mend, then exec the real binary."""
    try:
        for path in config_files(arguments):
            mend_file(path)
    except (OSError, UnknownConfig) as error:
        sys.stderr.write(f"fks: haproxy is not started: {error}\n")
        raise SystemExit(1) from None
    os.execv(binary, [binary, *arguments])  # noqa: S606 (no shell wanted)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
