"""What a newcomer types while the desk runs, and what they should see."""

import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from fks_actors.agents.config import MINDS
from tests.acceptance.conftest import User, eventually

README = Path(__file__).parents[2] / "README.md"
pytestmark = [pytest.mark.ray, pytest.mark.timeout(400)]


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
    assert {v["agent"] for v in decisions[0]["votes"]} == set(MINDS)
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
    assert {v["agent"] for v in answer["votes"]} == set(MINDS)
    assert all(v["facts"] for v in answer["votes"] if not v["abstained"])
    assert [t["role"] for t in answer["debate"]["turns"]] == ["bull", "bear", "judge"]
    told = desk.types("decide", "BTC/USDT", "--explain").stdout
    for shown in (*MINDS, "no news source is configured", "part of the score", "rules", "cost $0"):
        assert shown in told
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


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="needs curl and openssl")
def test_readme_when_its_requests_are_pasted_then_they_work(desk: User) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    (pasted,) = (block for block in blocks if "TOKEN=$(cat" in block)
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", pasted.replace(":8000", f":{desk.port}")],
        env={"PATH": os.environ["PATH"], "FKS_HOME": str(desk.home), "HOME": str(desk.home)},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert '"status":"filled"' in done.stdout
    assert '"status":"accepted"' in done.stdout
    assert '"equity":' in done.stdout
    assert '"verdict":' in done.stdout
    assert '"state":"active"' in done.stdout
    assert "fks_equity_quote " in done.stdout
    assert '"error"' not in done.stdout


def test_up_when_a_desk_runs_already_then_refused_and_the_first_goes_on(desk: User) -> None:
    second = desk.types("up", "--detach", "--feed", "simulated")
    assert second.returncode == 2
    assert "already runs" in second.stderr
    assert "Traceback" not in second.stderr
    assert desk.get("health") == {"status": "ok"}
