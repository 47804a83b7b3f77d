"""Google's Gemini through google-genai (extra `gemini`), which is imported only where a provider of that kind is."""

import re
import time
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
from pydantic import SecretStr

from fks_actors.adapters.llm.http import bounded_http, is_refusal, retry_after_s
from fks_actors.errors import ConfigError, ModelUnavailable
from fks_actors.llm.config import ProviderConfig
from fks_actors.llm.ports import Completion, Prompt
from fks_actors.llm.quota import to_midnight_ms
from fks_actors.llm.schema_text import schema_text

_PERMANENT_S = 300.0
_DELAY = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s")


class GeminiClient:
    """Implements llm.ports.ModelClient.

    Args:
        name: the provider's, for errors.
        now_s: UTC seconds.

    Raises:
        ConfigError: google-genai is not installed.
    """

    def __init__(
        self, name: str, config: ProviderConfig, key: SecretStr, now_s: Callable[[], float] = time.time
    ) -> None:
        try:
            from google import genai
            from google.genai import errors, types
        except ImportError:
            raise ConfigError(
                f"llm.providers.{name}: kind gemini needs google-genai: pip install 'fks-actors[gemini]'"
            ) from None
        self._name = name
        self._config = config
        self._now_s = now_s
        self._types: Any = types
        self._error: Any = errors.APIError
        self._http = bounded_http(config.max_concurrent)
        options = types.HttpOptions(base_url=config.url or None, httpx_async_client=self._http)
        self._client = genai.Client(vertexai=False, api_key=key.get_secret_value(), http_options=options)

    async def complete(self, prompt: Prompt) -> Completion:
        """See llm.ports.ModelClient; an answer that used tokens and has no text is an empty text."""
        try:
            answer = await self._client.aio.models.generate_content(
                model=self._config.model, contents=prompt.user, config=self._request(prompt)
            )
            done = _completion(answer)
        except self._error as error:
            raise self._refused(error) from error
        except httpx2.HTTPError as error:
            refused = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
            raise ModelUnavailable(self._name, f"{type(error).__name__}: {error}"[:200], 0.0, refused) from error
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ModelUnavailable(self._name, f"no answer of Gemini's came: {type(error).__name__}") from error
        if not done.text and not done.tokens_in:
            raise ModelUnavailable(self._name, "an answer with nothing in it")
        return done

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.aclose()
        self._client.close()

    def _request(self, prompt: Prompt) -> Any:
        config = self._config
        asked: dict[str, Any] = {"max_output_tokens": prompt.max_tokens, "system_instruction": prompt.system}
        if not config.reasoning:
            asked["temperature"] = prompt.temperature
        if config.structured != "none":
            asked["response_mime_type"] = "application/json"
        if config.structured == "json_schema":
            asked["response_json_schema"] = dict(prompt.schema)
        else:
            told = f"Answer with one JSON object that fits this schema: {schema_text(prompt.schema)}"
            asked["system_instruction"] = f"{prompt.system}\n{told}"
        return self._types.GenerateContentConfig(**asked)

    def _refused(self, error: Any) -> ModelUnavailable:
        status = error.code if isinstance(error.code, int) else 0
        wait_s, day_is_over = _asked_to_wait(error.details)
        if day_is_over:
            zone = ZoneInfo(self._config.day_zone)
            wait_s = max(wait_s, to_midnight_ms(zone, int(self._now_s() * 1_000)) / 1_000)
        if isinstance(headers := getattr(error.response, "headers", None), httpx2.Headers):
            wait_s = max(wait_s, retry_after_s(headers, self._now_s()))
        if status in (401, 403, 404) or (status == 400 and "API_KEY_INVALID" in str(error.details)[:5_000]):
            wait_s = max(wait_s, _PERMANENT_S)
        kind = re.sub(r"[^A-Z_]", "", str(error.status or ""))[:40]
        return ModelUnavailable(self._name, f"HTTP {status} {kind}".strip(), wait_s, is_refusal(status))


def _completion(answer: Any) -> Completion:
    candidates = answer.candidates or []
    parts = (candidates[0].content.parts or []) if candidates and candidates[0].content else []
    text = "".join(part.text for part in parts if part.text and not part.thought)
    used = answer.usage_metadata
    if used is None:
        return Completion(text)
    tokens_in = (used.prompt_token_count or 0) + (used.tool_use_prompt_token_count or 0)
    tokens_out = (used.candidates_token_count or 0) + (used.thoughts_token_count or 0)
    return Completion(text, max(0, tokens_in), max(0, tokens_out))


def _asked_to_wait(body: Any) -> tuple[float, bool]:
    """(seconds of google.rpc.RetryInfo, whether a quota of the whole day is used up)."""
    error = body.get("error") if isinstance(body, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    wait_s, day_is_over = 0.0, False
    for each in details if isinstance(details, list) else []:
        if not isinstance(each, dict):
            continue
        kind = str(each.get("@type", ""))
        if kind.endswith("google.rpc.RetryInfo") and (found := _DELAY.fullmatch(str(each.get("retryDelay", "")))):
            wait_s = float(found[1])
        if kind.endswith("google.rpc.QuotaFailure"):
            day_is_over = "PerDay" in str(each.get("violations", ""))[:5_000]
    return wait_s, day_is_over
