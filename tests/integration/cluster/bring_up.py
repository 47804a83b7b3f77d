"""`python -m tests.integration.cluster.bring_up RUN PROXY PORT`: what `fks up --detach` does, with the tiny edge."""

import sys
from pathlib import Path
from typing import Literal, cast

from fks_actors.cli.cluster import HeadOptions, ServeOptions, begin_serve, connect, start_head, wait_http


def main(run: str, proxy: str, port: str) -> None:
    """Start everything, wait for the first answers, leave it running."""
    handle = start_head(HeadOptions(Path(run), proxy=cast("Literal['haproxy', 'python']", proxy), object_store_mb=100))
    connect(handle, "test")
    begin_serve(ServeOptions(port=int(port))).deploy("tests.integration.cluster.app:build")
    wait_http(f"http://127.0.0.1:{port}/who")


if __name__ == "__main__":
    main(*sys.argv[1:])
