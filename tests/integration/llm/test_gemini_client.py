"""Google's client against a server that answers as recorded, refuses, dawdles, breaks off and lies."""

import asyncio
import subprocess
import sys
from typing import Any

import pytest
from pydantic import SecretStr

from fks_actors.adapters.llm.gemini_client import GeminiClient
from fks_actors.errors import ModelUnavailable
from fks_actors.llm.config import Place, ProviderConfig
from fks_actors.llm.ports import Completion
from tests.integration.llm.servers import (
    GEMINI_PATH,
    Say,
    Server,
    gemini_body,
    gemini_exhausted,
    goes_elsewhere,
    says,
    says_half,
    says_nothing,
    says_packed,
    says_raw,
    says_too_much,
    serving,
)
from tests.unit.llm.parts import GOOD, SCHEMA, prompt

NOON_PACIFIC_S = 1_760_036_400.0 + 3_600 * 3  # 2025-10-09 15:00 in Los Angeles


def client(server: Server, **more: Any) -> GeminiClient:
    config = ProviderConfig(
        kind="gemini", base_url=server.url, model="gemini-2.5-flash", place=Place.CLOUD,
        day_zone="America/Los_Angeles", **more,
    )  # fmt: skip
    return GeminiClient("gemini", config, SecretStr("AIza-hunter2"), lambda: NOON_PACIFIC_S)


async def fails(say: Say, **more: Any) -> ModelUnavailable:
    async with serving(say) as server:
        held = client(server, **more)
        with pytest.raises(ModelUnavailable) as caught:
            await held.complete(prompt())
        assert len(server.asked) == 1
        await held.close()
    assert caught.value.provider == "gemini"
    assert "hunter2" not in str(caught.value)
    assert len(str(caught.value)) < 300
    return caught.value


async def test_complete_when_answered_then_text_and_usage_with_thoughts_and_the_request_is_googles() -> None:
    async with serving(says(gemini_body(GOOD))) as server:
        held = client(server)
        assert await held.complete(prompt()) == Completion(GOOD, 34, 14)
        await held.close()
    (asked,), (headers,) = server.asked, server.headers
    assert server.paths == [GEMINI_PATH]
    assert headers["x-goog-api-key"] == "AIza-hunter2"
    assert asked["contents"][0]["parts"] == [{"text": "How strong is the case?"}]
    assert asked["systemInstruction"]["parts"] == [{"text": "You answer in JSON."}]
    told = asked["generationConfig"]
    assert (told["maxOutputTokens"], told["temperature"], told["responseMimeType"]) == (100, 0.0, "application/json")
    assert told["responseJsonSchema"] == SCHEMA


async def test_complete_when_there_are_thoughts_and_several_parts_then_only_the_answer_is_read() -> None:
    body = gemini_body("")
    body["candidates"][0]["content"]["parts"] = [
        {"text": "hm", "thought": True},
        {"text": '{"score"'},
        {"text": ": 7}"},
    ]
    async with serving(says(body)) as server:
        held = client(server, structured="none", reasoning=True)
        assert (await held.complete(prompt())).text == GOOD
        await held.close()
    (asked,) = server.asked
    assert "responseMimeType" not in asked["generationConfig"]
    assert "temperature" not in asked["generationConfig"]
    assert '"maximum":10' in asked["systemInstruction"]["parts"][0]["text"]


@pytest.mark.parametrize(
    "body",
    [
        {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 3}},
        {"candidates": [{"finishReason": "SAFETY", "index": 0}], "usageMetadata": {"promptTokenCount": 3}},
        {"candidates": [{"content": {"role": "model"}, "finishReason": "MAX_TOKENS"}],
         "usageMetadata": {"promptTokenCount": 3}},
    ],
)  # fmt: skip
async def test_complete_when_blocked_or_out_of_tokens_then_an_empty_text(body: dict[str, Any]) -> None:
    async with serving(says(body)) as server:
        held = client(server)
        assert await held.complete(prompt()) == Completion("", 3, 0)
        await held.close()


BAD_KEY = {
    "error": {
        "code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT",
        "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}],
    }
}  # fmt: skip
OVERLOADED = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}


@pytest.mark.parametrize(
    ("say", "wait_s", "refused"),
    [
        (says(gemini_exhausted(), 429), 34.07, True),
        (says(gemini_exhausted("34s", day=True), 429), 9 * 3_600, True),
        (says(gemini_exhausted("forever"), 429), 0.0, True),
        (says({"error": {"code": 429, "details": "none"}}, 429, Retry_After="7"), 7.0, True),
        (says([gemini_exhausted("8s")], 429), 8.0, True),
        (says(OVERLOADED, 503), 0.0, True),
        (says(BAD_KEY, 400), 300.0, True),
        (says({"error": {"code": 404, "status": "NOT_FOUND"}}, 404), 300.0, True),
        (says({"error": {"code": 500, "status": "INTERNAL"}}, 500), 0.0, False),
        (says_raw(b"<html>bad gateway</html>", "text/html", 502), 0.0, False),
        (says({"error": "text"}, 429), 0.0, None),
        (says("text", 429), 0.0, None),
        (goes_elsewhere, 0.0, True),
    ],
)
async def test_complete_when_refused_then_how_long_to_wait_and_whether_it_may_cost(
    say: Say, wait_s: float, refused: bool | None
) -> None:
    error = await fails(say)
    assert error.retry_after_s == pytest.approx(wait_s)
    assert refused is None or error.refused == refused


@pytest.mark.parametrize(
    "say",
    [
        says_half, says_too_much, says_packed, says_raw(b""), says_raw(b"null"),
        says_raw(b"<html></html>", "text/html"),
        says_raw(b'{"candidates": "' + b"x" * 600_000 + b'"}'), says_raw(b"\xff\xfe{}"), says([]), says("text"),
        says({"candidates": 3}), says({"candidates": [{"content": {"parts": [{"text": 3}]}}]}),
        says({"candidates": [{"content": {"parts": "a"}}]}), says({"candidates": ["a"]}),
        says({"usageMetadata": {"promptTokenCount": "many"}}), says_raw(b'{"candidates": ' + b"[" * 100_000),
    ],
)  # fmt: skip
async def test_complete_when_the_answer_is_broken_then_unavailable_and_it_may_have_cost(say: Say) -> None:
    error = await fails(say)
    assert not error.refused


async def test_complete_when_nobody_listens_then_refused() -> None:
    held = client(Server([], "http://127.0.0.1:9"))
    with pytest.raises(ModelUnavailable) as caught:
        await held.complete(prompt())
    assert caught.value.refused
    await held.close()


async def test_complete_when_cancelled_then_the_server_sees_the_line_drop() -> None:
    async with serving(says_nothing) as server:
        held = client(server)
        call = asyncio.ensure_future(held.complete(prompt()))
        async with asyncio.timeout(5):
            while not server.open:  # noqa: ASYNC110 the server knows no event for it
                await asyncio.sleep(0.01)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            while not server.dropped:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await held.close()


def test_import_when_no_provider_is_gemini_then_google_is_not_imported() -> None:
    code = "import sys, fks_actors.adapters.llm.factory; sys.exit('google.genai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
