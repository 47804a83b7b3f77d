"""Starting and ending: nothing is left behind, and the next start goes on."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import httpx
import psutil
import pytest
from playwright.sync_api import sync_playwright

from tests.acceptance.conftest import FKS, User, eventually, new_user
from tests.market import batches, write_files

CHROMIUM = "/usr/bin/chromium"
pytestmark = [pytest.mark.ray, pytest.mark.timeout(400)]


@pytest.fixture
def other() -> Iterator[User]:
    """A second user beside the first."""
    user = new_user()
    yield user
    user.types("down")
    shutil.rmtree(user.home, ignore_errors=True)


def test_down_when_a_replay_ran_then_nothing_is_left_and_the_next_up_goes_on(other: User, tmp_path: Path) -> None:
    feed = write_files(tmp_path, batches(260))
    words = ("up", "--detach", "--feed", feed, "--speed", "max", "--port", str(other.port), "--json")
    up = other.types(*words)
    assert up.returncode == 0, up.stderr
    eventually("the end of the replay", lambda: other.told("status")["feed"]["ended"])
    first = other.told("status")
    assert first["counts"]["decisions"] == 520
    assert first["account"] == other.get("account")
    if Path(CHROMIUM).exists():  # without a browser the API's word has to do
        assert _page_equity(other) == f"{Decimal(first['account']['equity']):,.2f}"
    assert other.told("halt", "--reason", "over night")["state"] == "halted"
    down = other.types("down")
    assert down.returncode == 0, down.stderr
    assert not _ours(other)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", other.port))
    assert other.types("status").returncode == 3
    digest = other.types("journal", "digest").stdout
    assert other.types(*words).returncode == 0
    again = eventually("the end of the replay", lambda: (s := other.told("status"))["feed"]["ended"] and s)
    assert again["account"] == first["account"]
    assert (again["trading"]["state"], again["trading"]["reason"]) == ("halted", "over night")
    assert again["counts"]["decisions"] == 520
    assert other.types("journal", "digest").stdout == digest


def test_up_in_the_foreground_when_interrupted_then_it_ends_its_own_cluster(other: User) -> None:
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("RAY_", "FKS_"))}
    process = subprocess.Popen(
        [FKS, "up", "--feed", "simulated", "--port", str(other.port)],
        env=environ | {"FKS_HOME": str(other.home)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = ""
        while "metrics" not in said:  # the last line of the welcome
            line = process.stdout.readline()
            assert line, said
            said += line
        assert _ready(other)
        process.send_signal(signal.SIGINT)
        said += process.communicate(timeout=30)[0]
    finally:
        process.kill()
        process.wait()
    assert process.returncode in (0, 130), said
    assert "the journal is kept" in said
    assert "Traceback" not in said
    assert not _ours(other)


def _page_equity(user: User) -> str:
    """The equity that a person sees on the dashboard."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        page = browser.new_page()
        page.goto(f"{user.url}/#token={user.token}")
        page.get_by_text("REPLAY").first.wait_for()
        seen = page.locator("#kpis dd").first
        page.wait_for_function("document.querySelector('#kpis dd') !== null")
        text = (seen.text_content() or "").strip()
        browser.close()
    return text


def _ready(user: User) -> bool:
    try:
        return httpx.get(f"{user.url}/api/v1/ready", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def _ours(user: User) -> list[int]:
    """Processes that still carry this user's home in their environment or command line."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(user.home) in " ".join([*process.cmdline(), *process.environ().values()]):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found
