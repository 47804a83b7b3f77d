"""A desk with a language model, whoever provides it: what `fks decide --explain` shows, and that the books are kept."""

import asyncio
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from aiohttp import web

from tests.acceptance.conftest import User, eventually, new_user
from tests.integration.llm.servers import Server, gemini_body, openai_body, serving
from tests.language_model import missing, running_model
from tests.market import batches, write_files

pytestmark = [pytest.mark.ray, pytest.mark.timeout(400)]
CASE = {"cites": ["price"], "claims": ["The votes lean this way."], "strength": 0.5}
JUDGEMENT = {"score": 1.0, "confidence": 1.0, "reason": "The bull has the better case.", "cites": ["price"]}


async def as_openai(request: web.Request) -> web.Response:
    asked = await request.text()
    return web.json_response(openai_body(_said(asked), 300, 50))


async def as_gemini(request: web.Request) -> web.Response:
    asked = await request.text()
    return web.json_response(gemini_body(_said(asked), 300, 45))


def _said(asked: str) -> str:
    """The judge is asked for a score, the others for a strength."""
    return json.dumps(CASE if '"strength"' in asked else JUDGEMENT)


@contextmanager
def served(say: Callable[[web.Request], object]) -> Iterator[Server]:
    """A server on an event loop of its own."""
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    started: list[Server] = []
    ready = threading.Event()

    async def run() -> None:
        async with serving(say) as server:  # type: ignore[arg-type]
            started.append(server)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    try:
        assert ready.wait(10)
        yield started[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


@contextmanager
def desk_with(provider: str, folder: Path) -> Iterator[User]:
    """A desk that took in a short recording, its only provider called `it`."""
    user, config = new_user(), folder / "models.yaml"
    config.write_text(f"""
llm:
  deadline_s: 20
  providers:
    it: {provider}
agents:
  minds: [short_term, mid_term, long_term, asmbtr]
  debate: {{deadline_s: 60, grey_low: 0.5501, grey_high: 0.5502, large_notional: 1000000000}}
""")
    (user.home / "keys").mkdir(mode=0o700)
    (user.home / "keys" / "it.key").write_text("key-hunter2")
    (user.home / "keys" / "it.key").chmod(0o600)
    feed = write_files(folder, batches(260))
    try:
        up = user.types("up", "--detach", "--feed", feed, "--port", str(user.port), "--config", str(config))
        assert up.returncode == 0, up.stderr + up.stdout
        eventually("the end of the replay", lambda: user.told("status")["feed"]["ended"])
        yield user
    finally:
        user.types("down")
        shutil.rmtree(user.home, ignore_errors=True)


@pytest.mark.parametrize(
    ("kind", "say"), [("kind: openai, base_url: URL/v1", as_openai), ("kind: gemini, base_url: URL", as_gemini)]
)
def test_decide_when_a_provider_answers_then_the_debate_its_cost_and_the_bounded_verdict(
    kind: str, say: Callable[[web.Request], object], tmp_path: Path
) -> None:
    with served(say) as server:
        provider = f"{{{kind.replace('URL', server.url)}, model: gemini-2.5-flash, place: cloud, key_env: FKS_NOT_SET, "
        prices = "usd_per_million_in: 1, usd_per_million_out: 2, requests_per_day: 1500}"
        with desk_with(provider + prices, tmp_path) as user:
            asked = len(server.asked)
            answer = user.told("decide", "BTC/USDT")
            told = user.types("decide", "BTC/USDT", "--explain").stdout
            page = user.types("agents").stdout
    debate = answer["debate"]
    assert asked == 0, "no bar lies in the grey band"
    assert [t["call"]["outcome"] for t in debate["turns"]] == ["answered"] * 3
    assert Decimal(debate["cost_usd"]) == Decimal("0.0012")
    assert debate["after"] == pytest.approx(min(1.0, debate["before"] + 0.15))
    assert answer["verdict"]["scores"]["models"] == pytest.approx(debate["after"] - debate["before"])
    for shown in ("short_term", "asmbtr", "weight", "bull", "bear", "judge", "it/gemini-2.5-flash", "cost $0"):
        assert shown in told, told
    assert "The bull has the better case." in told
    assert "1 of 1 providers can be asked" in page
    assert "hunter2" not in told + page
    assert len(server.asked) == 3, "the second question was answered from the record"


@pytest.mark.llm
@pytest.mark.skipif(bool(missing()), reason=missing())
def test_decide_when_a_small_model_runs_on_this_machine_then_every_turn_is_accounted_for(tmp_path: Path) -> None:
    with running_model() as model:
        provider = f"{{base_url: '{model.base_url}', model: {model.model}, place: local, max_concurrent: 1}}"
        with desk_with(provider, tmp_path) as user:
            answer = user.told("decide", "BTC/USDT")
    turns = answer["debate"]["turns"]
    assert {t["role"] for t in turns} >= {"bull", "bear"}
    calls = [t["call"] for t in turns if t["call"]["requests"]]
    assert calls
    assert all(call["provider"] == "it" for call in calls)
    assert all(call["tokens_out"] > 0 or call["outcome"] in ("late", "failed") for call in calls), calls
    before, after = answer["debate"]["before"], answer["debate"]["after"]
    assert abs(after - before) <= 0.15 + 1e-9
