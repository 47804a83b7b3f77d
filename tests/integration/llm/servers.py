"""Servers on loopback that answer as OpenAI's, vLLM's, llama.cpp's and Google's do, and misbehave as they can."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Say = Callable[[web.Request], Awaitable[web.StreamResponse]]

OPENAI_PATH = "/v1/chat/completions"
GEMINI_PATH = "/v1/models/gemini-2.5-flash:generateContent"


@dataclass
class Server:
    """A server that says what it is told to, in turn, the last of it for ever. `open`: requests being answered now."""

    says: list[Say]
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    open: int = 0
    dropped: int = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        say = self.says[min(len(self.asked), len(self.says) - 1)]
        self.asked.append(await request.json())
        self.headers.append(dict(request.headers))
        self.paths.append(request.path)
        self.open += 1
        try:
            return await say(request)
        except asyncio.CancelledError:
            self.dropped += 1
            raise
        finally:
            self.open -= 1


@asynccontextmanager
async def serving(*says: Say) -> AsyncIterator[Server]:
    """A server on a free port of 127.0.0.1."""
    server = Server(list(says))
    app = web.Application(client_max_size=2**22)
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield server
    finally:
        await runner.cleanup()


def openai_body(text: str | None, tokens_in: int = 34, tokens_out: int = 9) -> dict[str, Any]:
    """OpenAI's, as recorded; llama.cpp and vLLM leave some of it out."""
    return {
        "id": "chatcmpl-BQ1", "object": "chat.completion", "created": 1760000000, "model": "gpt-4.1-mini-2025-04-14",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": None, "annotations": []},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "accepted_prediction_tokens": 0},
        },
        "service_tier": "default", "system_fingerprint": "fp_1",
    }  # fmt: skip


def gemini_body(text: str, tokens_in: int = 34, tokens_out: int = 9, thoughts: int = 5) -> dict[str, Any]:
    """Google's, as recorded."""
    return {
        "candidates": [
            {"content": {"parts": [{"text": text}], "role": "model"}, "finishReason": "STOP", "index": 0}
        ],
        "usageMetadata": {
            "promptTokenCount": tokens_in, "candidatesTokenCount": tokens_out,
            "totalTokenCount": tokens_in + tokens_out + thoughts, "thoughtsTokenCount": thoughts,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens_in}],
        },
        "modelVersion": "gemini-2.5-flash", "responseId": "r-1",
    }  # fmt: skip


def gemini_exhausted(delay: str = "34.07s", day: bool = False) -> dict[str, Any]:
    """Google's 429, as recorded: RESOURCE_EXHAUSTED with QuotaFailure, Help and RetryInfo."""
    window = "PerDayPerProjectPerModel" if day else "PerMinutePerProjectPerModel"
    return {
        "error": {
            "code": 429, "message": "You exceeded your current quota.", "status": "RESOURCE_EXHAUSTED",
            "details": [
                {
                    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                    "violations": [{
                        "quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
                        "quotaId": f"GenerateRequests{window}-FreeTier", "quotaValue": "1500",
                        "quotaDimensions": {"location": "global", "model": "gemini-2.5-flash"},
                    }],
                },
                {"@type": "type.googleapis.com/google.rpc.Help", "links": [{"url": "https://ai.google.dev"}]},
                {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay},
            ],
        }
    }  # fmt: skip


def says(body: Any, status: int = 200, **headers: str) -> Say:
    """A whole JSON answer; header names with _ for -."""

    async def say(_: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.json_response(body, status=status, headers=named)

    return say


def says_raw(body: bytes, kind: str = "application/json", status: int = 200) -> Say:
    """Whatever bytes."""

    async def say(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=status, headers={"Content-Type": kind})

    return say


async def says_nothing(_: web.Request) -> web.StreamResponse:
    """Holds the line for ever."""
    await asyncio.Event().wait()
    raise AssertionError


async def says_half(request: web.Request) -> web.StreamResponse:
    """Cuts its answer off."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "5000"})
    await response.prepare(request)
    await response.write(json.dumps(openai_body('{"score": 7}')).encode()[:60])
    assert request.transport is not None
    request.transport.abort()
    return response


async def says_too_much(request: web.Request) -> web.StreamResponse:
    """10 MB and more, in pieces."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"choices": [{"message": {"content": "')
    for _ in range(1_000):
        await response.write(b"A" * 10_000)
    await response.write(b'"}}]}')
    return response


async def says_packed(_: web.Request) -> web.StreamResponse:
    """A small body that unpacks to 50 MB."""
    body = gzip.compress(b'{"choices": [{"message": {"content": "' + b"A" * 50_000_000 + b'"}}]}')
    return web.Response(body=body, headers={"Content-Type": "application/json", "Content-Encoding": "gzip"})


async def goes_elsewhere(_: web.Request) -> web.StreamResponse:
    """A redirect."""
    return web.Response(status=307, headers={"Location": "http://127.0.0.1:1/v1/chat/completions"})


def after(wait_s: float, then: Say) -> Say:
    """Late."""

    async def say(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(wait_s)
        return await then(request)

    return say
