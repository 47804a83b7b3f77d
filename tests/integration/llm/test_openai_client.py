"""OpenAI's client against a server that answers as recorded, refuses, dawdles, breaks off and lies."""

import asyncio
import email.utils
import time
from typing import Any

import pytest
from pydantic import SecretStr

from fks_actors.adapters.llm.openai_client import OpenAiClient
from fks_actors.errors import ModelUnavailable
from fks_actors.llm.config import Place, ProviderConfig
from fks_actors.llm.ports import Completion
from tests.integration.llm.servers import (
    OPENAI_PATH,
    Say,
    Server,
    goes_elsewhere,
    openai_body,
    says,
    says_half,
    says_nothing,
    says_packed,
    says_raw,
    says_too_much,
    serving,
)
from tests.unit.llm.parts import GOOD, SCHEMA, prompt

NOW_S = 1_760_000_000.0


def client(server: Server, key: str | None = "sk-hunter2", **more: Any) -> OpenAiClient:
    config = ProviderConfig(base_url=f"{server.url}/v1", model="gpt-4.1-mini", place=Place.CLOUD, **more)
    return OpenAiClient("gpt", config, SecretStr(key) if key else None, lambda: NOW_S)


async def fails(say: Say, **more: Any) -> ModelUnavailable:
    async with serving(say) as server:
        held = client(server, **more)
        with pytest.raises(ModelUnavailable) as caught:
            await held.complete(prompt())
        assert len(server.asked) <= 1
        await held.close()
    assert caught.value.provider == "gpt"
    assert "hunter2" not in str(caught.value)
    assert len(str(caught.value)) < 300
    return caught.value


async def test_complete_when_answered_then_text_and_usage_and_the_request_is_openais() -> None:
    async with serving(says(openai_body(GOOD))) as server:
        held = client(server)
        assert await held.complete(prompt()) == Completion(GOOD, 34, 9)
        await held.close()
    (asked,), (headers,) = server.asked, server.headers
    assert server.paths == [OPENAI_PATH]
    assert headers["Authorization"] == "Bearer sk-hunter2"
    assert headers["Accept-Encoding"] == "identity"
    assert asked["messages"] == [
        {"role": "system", "content": "You answer in JSON."}, {"role": "user", "content": "How strong is the case?"},
    ]  # fmt: skip
    assert (asked["model"], asked["max_tokens"], asked["temperature"]) == ("gpt-4.1-mini", 100, 0.0)
    assert asked["response_format"] == {
        "type": "json_schema", "json_schema": {"name": "case-1", "schema": SCHEMA, "strict": True},
    }  # fmt: skip
    assert "stream" not in asked


async def test_complete_when_the_environment_names_an_organisation_then_no_other_server_hears_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.setenv(name, "http://secret")
    async with serving(says(openai_body(GOOD))) as server:
        held = client(server, key=None)
        await held.complete(prompt())
        await held.close()
    assert "secret" not in str(server.headers)


@pytest.mark.parametrize("structured", ["json_object", "none"])
async def test_complete_when_the_server_takes_no_schema_then_the_schema_is_told_in_words(structured: str) -> None:
    async with serving(says(openai_body(GOOD))) as server:
        held = client(server, structured=structured, reasoning=True)
        await held.complete(prompt())
        await held.close()
    (asked,) = server.asked
    assert '"maximum":10' in asked["messages"][0]["content"]
    assert asked.get("response_format") == ({"type": "json_object"} if structured == "json_object" else None)
    assert (asked["max_completion_tokens"], "temperature" in asked, "max_tokens" in asked) == (100, False, False)


DATE = email.utils.formatdate(NOW_S + 90, usegmt=True)
REFUSED = {"error": {"message": "no: sk-hunter2", "type": "x", "code": "y"}}


@pytest.mark.parametrize(
    ("say", "wait_s", "refused"),
    [
        (says(REFUSED, 429, Retry_After="12"), 12.0, True),
        (says(REFUSED, 429, Retry_After="0.25"), 0.25, True),
        (says(REFUSED, 429, retry_after_ms="1500", Retry_After="9"), 1.5, True),
        (says(REFUSED, 429, Retry_After=DATE), 90.0, True),
        (says(REFUSED, 429, Retry_After="1e300"), 86_400.0, True),
        (says(REFUSED, 429, Retry_After="inf"), 86_400.0, True),
        (says(REFUSED, 429, Retry_After="nan"), 0.0, True),
        (says(REFUSED, 429, Retry_After="-5"), 0.0, True),
        (says(REFUSED, 429, Retry_After="soon"), 0.0, True),
        (says(REFUSED, 429), 0.0, True),
        (says(REFUSED, 503, Retry_After="3"), 3.0, True),
        (says(REFUSED, 400), 0.0, True),
        (says(REFUSED, 401), 300.0, True),
        (says(REFUSED, 404), 300.0, True),
        (says(REFUSED, 408), 0.0, False),
        (says(REFUSED, 500), 0.0, False),
        (says_raw(b"<html>bad gateway</html>", "text/html", 502), 0.0, False),
        (goes_elsewhere, 0.0, True),
    ],
)
async def test_complete_when_refused_then_how_long_to_wait_and_whether_it_may_cost(
    say: Say, wait_s: float, refused: bool
) -> None:
    error = await fails(say)
    assert (error.retry_after_s, error.refused) == (pytest.approx(wait_s), refused)


@pytest.mark.parametrize(
    "say",
    [
        says_half, says_too_much, says_packed, says_raw(b""), says_raw(b"null"),
        says_raw(b"<html></html>", "text/html"), says_raw(b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        says_raw(b'{"choices": [{"message": {"content": "' + b"x" * 600_000 + b'"}}]}'), says_raw(b"\xff\xfe{}"),
        says_raw(b'{"choices": ' + b"[" * 100_000), says({"choices": []}), says({"choices": None}),
        says({"choices": [{"message": {"content": ["a"]}}]}), says({"choices": [{"message": "hello"}]}),
        says({"choices": [{}]}), says({**openai_body(GOOD), "usage": {"prompt_tokens": "many"}}), says([]),
    ],
)  # fmt: skip
async def test_complete_when_the_answer_is_broken_then_unavailable_and_it_may_have_cost(say: Say) -> None:
    error = await fails(say)
    assert not error.refused


@pytest.mark.parametrize("usage", [True, False])
@pytest.mark.parametrize("text", ["", None, GOOD])
async def test_complete_when_text_or_usage_is_missing_then_what_there_is(text: str | None, usage: bool) -> None:
    body = openai_body(text)
    if not usage:
        del body["usage"]
    if not usage and not text:
        assert (await fails(says(body))).message == "an answer with nothing in it"
        return
    async with serving(says(body)) as server:
        held = client(server)
        assert await held.complete(prompt()) == Completion(text or "", *((34, 9) if usage else (0, 0)))
        await held.close()


async def test_complete_when_nobody_listens_then_refused_at_once() -> None:
    held = client(Server([], "http://127.0.0.1:9"))
    start = time.perf_counter()
    with pytest.raises(ModelUnavailable) as caught:
        await held.complete(prompt())
    assert caught.value.refused
    assert time.perf_counter() - start < 1
    await held.close()


async def test_complete_when_the_prompt_is_no_unicode_then_unavailable_and_nothing_is_sent() -> None:
    async with serving(says(openai_body(GOOD))) as server:
        held = client(server)
        with pytest.raises(ModelUnavailable):
            await held.complete(prompt("a\ud800b"))
        await held.close()
    assert server.asked == []


async def test_complete_when_cancelled_then_the_server_sees_the_line_drop() -> None:
    async with serving(says_nothing) as server:
        held = client(server)
        calls = [asyncio.ensure_future(held.complete(prompt())) for _ in range(3)]
        async with asyncio.timeout(5):
            while server.open < 3:  # noqa: ASYNC110 the server knows no event for it
                await asyncio.sleep(0.01)
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
            while server.dropped < 3:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await held.close()
