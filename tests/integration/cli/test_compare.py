"""`fks compare --models` over recorded bars and an OpenAI-compatible server on loopback: what the models changed."""

import asyncio
import csv
import json
import math
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from typer.testing import CliRunner, Result

from fks_actors.cli.main import app
from tests.integration.llm.servers import Server, openai_body, serving

HOUR = 3_600_000
START = 1_709_251_200_000  # 2024-03-01
BARS = 400
CASE = {"cites": ["price"], "claims": ["The votes lean this way."], "strength": 0.5}
JUDGEMENT = {"score": 1.0, "confidence": 1.0, "reason": "The bull has the better case.", "cites": ["price"]}


def recording(folder: Path) -> Path:
    """A walk with a wave in it, so that the minds disagree now and then."""
    luck, price, path = random.Random(5), 100.0, folder / "BTCUSDT-1h.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["timestamp", "open", "high", "low", "close", "volume"])
        for n in range(BARS):
            close = price * math.exp(0.004 * math.sin(n / 9) + luck.gauss(0, 0.004))
            high, low = max(price, close) * 1.001, min(price, close) * 0.999
            rows.writerow([START + n * HOUR, price, high, low, close, 10 + luck.random()])
            price = close
    return path


def config(folder: Path, url: str) -> Path:
    path = folder / "models.yaml"
    path.write_text(f"""
llm:
  usd_per_agent_per_day: 5
  providers:
    gpt: {{place: local, base_url: "{url}/v1", model: gpt, usd_per_million_in: 1, usd_per_million_out: 2}}
agents:
  minds: [short_term, mid_term, asmbtr]
  debate: {{grey_low: 0.0, grey_high: 1.0, max_shift: 0.3}}
""")
    return path


async def judged(request: web.Request) -> web.Response:
    """Everybody has a case; the judge is for the bull."""
    asked = (await request.json())["response_format"]["json_schema"]["schema"]["properties"]
    return web.json_response(openai_body(json.dumps(JUDGEMENT if "score" in asked else CASE), 300, 50))


async def compared(server: Server, folder: Path, *options: str) -> Result:
    arguments = ["compare", "--models", "--data", str(recording(folder)), "--config", str(config(folder, server.url))]
    return await asyncio.to_thread(CliRunner().invoke, app, [*arguments, *options])


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FKS_HOME", str(tmp_path / "home"))


async def test_compare_when_models_decide_otherwise_then_what_changed_and_what_it_cost(tmp_path: Path) -> None:
    span = ("--since", "2024-03-10", "--until", "2024-03-12", "--json")
    async with serving(judged) as server:
        done = await compared(server, tmp_path, *span)
        asked = len(server.asked)
        again = await compared(server, tmp_path, *span)
        assert len(server.asked) == asked
        assert len(server.asked) == asked
    assert done.exit_code == 0, done.output
    facts: dict[str, Any] = json.loads(done.stdout)
    assert (facts["bars"], facts["decisions"]) == (48, 48)
    assert 0 < facts["decisions_changed"] == len(facts["changed"]) <= 48
    for each in facts["changed"]:
        assert each["off"] != each["on"]
        if each["by_debate"]:
            assert each["score_on"] == pytest.approx(min(1.0, each["score_off"] + 0.3))
    models = facts["models"]
    assert models["questions"] == 3 * models["debates"] == asked > 0
    assert models["outcomes"] == {"answered": asked}
    assert (models["tokens_in"], models["tokens_out"]) == (300 * asked, 50 * asked)
    assert Decimal(models["cost_usd"]) == Decimal(asked) * Decimal("0.0004")
    assert Decimal(facts["pnl_difference"]) == Decimal(facts["on"]["equity"]) - Decimal(facts["off"]["equity"]) != 0
    assert again.exit_code == 0, (again.output, again.exception)
    told = json.loads(again.stdout)
    assert told["models"]["outcomes"] == {"cached": asked}
    assert (told["changed"], told["on"], Decimal(told["models"]["cost_usd"])) == (facts["changed"], facts["on"], 0)


async def test_compare_when_nobody_answers_then_nothing_changed_and_it_says_so(tmp_path: Path) -> None:
    async def refused(_: web.Request) -> web.Response:
        return web.json_response({"error": {"message": "overloaded"}}, status=503)

    async with serving(refused) as server:
        done = await compared(server, tmp_path, "--since", "2024-03-10", "--until", "2024-03-11")
    assert done.exit_code == 0, done.output
    assert "Models changed 0 of 24 decisions; profit and loss differ by 0.00." in done.stdout
    assert "no proof that the models help" in done.stdout


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "no language model is configured"),
        (("--since", "yesterday", "--config"), "write a day as YYYY-MM-DD"),
        (("--until", "2020-01-01", "--config"), "has no bar between"),
    ],
)
async def test_compare_when_it_cannot_be_done_then_says_why(
    options: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    more = [str(config(tmp_path, "http://127.0.0.1:9"))] if "--config" in options else []
    data = ["compare", "--models", "--data", str(recording(tmp_path))]
    done = await asyncio.to_thread(CliRunner().invoke, app, [*data, *options, *more])
    assert done.exit_code in (2, 4)
    assert told in done.output
