"""What a newcomer types, and what they should see."""

import hashlib
import hmac
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from playwright.sync_api import sync_playwright

from tests.acceptance.conftest import FKS, User, new_user
from tests.market import batches, write_files

CHROMIUM = "/usr/bin/chromium"
pytestmark = [pytest.mark.ray, pytest.mark.timeout(400)]


def eventually(what: str, look: Callable[[], Any], seconds: float = 60.0) -> Any:
    """The first truthy thing that `look` sees."""
    end = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.2)
    return seen


def alert(user: User, **fields: Any) -> dict[str, Any]:
    """A signed alert by plain HTTP, as curl sends it; its outcome."""
    body = json.dumps({"symbol": "BTCUSDT", "side": "buy", **fields}).encode()
    signature = hmac.new(user.secret.encode(), body, hashlib.sha256).hexdigest()
    answer = httpx.post(
        f"{user.url}/webhook/tradingview",
        content=body,
        headers={"X-Signature": f"sha256={signature}", "Prefer": "wait=10"},
        timeout=20,
    )
    return {"http": answer.status_code, **answer.json()}


def test_up_when_the_home_is_empty_then_it_trades_on_a_market_that_says_it_is_simulated(desk: User) -> None:
    status = desk.told("status")
    assert status["feed"]["simulated"]
    assert "SIMULATED" in status["feed"]["label"]
    assert {a["name"] for a in status["agents"] if a["up"]} >= {
        "journal", "feed", "short_term", "mid_term", "long_term", "risk", "coordinator", "connector:paper",
    }  # fmt: skip
    assert status["memory"]["processes"] > 10
    assert 300 < status["memory"]["pss_mib"] < 6_000
    decisions = eventually("decisions", lambda: desk.get("decisions")["items"])
    assert {v["agent"] for v in decisions[0]["votes"]} == {"short_term", "mid_term", "long_term"}
    assert all(v["reason"] or v["abstained"] for v in decisions[0]["votes"])
    assert (desk.home / "api-token").stat().st_mode & 0o777 == 0o600
    assert (desk.home / "webhook-secret").stat().st_mode & 0o777 == 0o600


def test_signal_when_signed_then_it_fills_and_every_view_tells_it(desk: User) -> None:
    done = alert(desk, quantity="0.002", id="acceptance-1")
    assert (done["http"], done["status"]) == (200, "filled"), done
    (order,) = done["orders"]
    assert order["filled_quantity"] == "0.002"
    key = order["client_order_id"]
    assert key in {o["client_order_id"] for o in desk.get("orders", limit="100")["items"]}
    (fill,) = desk.get("trades", order=key)["items"]
    assert Decimal(fill["quantity"]) == Decimal("0.002")
    assert desk.get(f"signals/{done['signal_id']}")["status"] == "filled"
    assert key in {o["client_order_id"] for o in desk.told("orders", "--limit", "100")["items"]}
    assert alert(desk, quantity="0.002", id="acceptance-1") == {
        "http": 200, "status": "duplicate", "signal_id": done["signal_id"],
    }  # fmt: skip


def test_signal_when_unsigned_or_too_large_then_refused_with_the_reason(desk: User) -> None:
    bare = httpx.post(f"{desk.url}/webhook/tradingview", json={"symbol": "BTCUSDT", "side": "buy", "quantity": "1"})
    assert (bare.status_code, bare.json()["error"]["code"]) == (401, "unauthorized")
    large = alert(desk, quantity="1")
    assert (large["http"], large["status"]) == (200, "denied")
    assert "per_trade_cap" in [r["code"] for r in large["reasons"]]


def test_halt_when_told_then_nothing_trades_until_resume(desk: User) -> None:
    assert desk.told("halt", "--reason", "acceptance")["state"] == "halted"
    denied = alert(desk, quantity="0.001", id="while halted")
    assert (denied["status"], [r["code"] for r in denied["reasons"]]) == ("denied", ["halted"])
    assert desk.told("status")["trading"]["state"] == "halted"
    assert desk.told("resume")["state"] == "active"
    assert alert(desk, quantity="0.001", id="after resume")["status"] == "filled"


def test_decide_when_asked_then_every_mind_gives_its_numbers(desk: User) -> None:
    answer = desk.told("decide", "BTC/USDT", "--explain")
    assert {v["agent"] for v in answer["votes"]} == {"short_term", "mid_term", "long_term"}
    assert all(v["facts"] for v in answer["votes"])
    unknown = desk.types("decide", "DOGE/USDT")
    assert unknown.returncode != 0
    assert "Traceback" not in unknown.stderr + unknown.stdout


def test_metrics_when_scraped_then_they_agree_with_the_journal(desk: User) -> None:
    desk.told("halt")
    try:
        page = httpx.get(f"{desk.url}/metrics", timeout=10).text
    finally:
        desk.told("resume")
    families = {line.split()[2] for line in page.splitlines() if line.startswith("# TYPE")}
    assert len(families) >= 25
    assert 'fks_actor_up{actor="coordinator"} 1.0' in page
    filled = [li for li in page.splitlines() if li.startswith("fks_signals_total") and 'status="filled"' in li]
    assert filled
    assert float(filled[0].split()[-1]) >= 1


def test_up_when_a_desk_runs_already_then_refused_and_the_first_goes_on(desk: User) -> None:
    second = desk.types("up", "--detach", "--feed", "simulated")
    assert second.returncode == 2
    assert "already runs" in second.stderr
    assert "Traceback" not in second.stderr
    assert desk.get("health") == {"status": "ok"}


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
