"""Any server that speaks OpenAI's chat completions: vLLM, llama.cpp, Ollama, OpenAI and others."""

import re
import time
from collections.abc import Callable
from typing import Any

import msgspec
import openai
from pydantic import SecretStr

from fks_actors.adapters.llm.http import bounded_http, is_refusal, retry_after_s
from fks_actors.errors import ModelUnavailable
from fks_actors.llm.config import ProviderConfig
from fks_actors.llm.ports import Completion, Prompt
from fks_actors.llm.schema_text import schema_text

_PERMANENT = {401: "the key is refused", 403: "the key may not do this", 404: "no such model or address"}
_PERMANENT_S = 300.0


class _Message(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    message: _Message


class _Used(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Answer(msgspec.Struct):
    choices: list[_Choice]
    usage: _Used | None = None


class OpenAiClient:
    """Implements llm.ports.ModelClient.

    Args:
        name: the provider's, for errors.
        key: None for a server that asks for none.
        now_s: UTC seconds.
    """

    def __init__(
        self, name: str, config: ProviderConfig, key: SecretStr | None, now_s: Callable[[], float] = time.time
    ) -> None:
        self._name = name
        self._config = config
        self._now_s = now_s
        self._http = bounded_http(config.max_concurrent)
        self._client = openai.AsyncOpenAI(
            api_key=key.get_secret_value() if key else "none",
            base_url=config.url,
            max_retries=0,
            http_client=self._http,
        )
        self._client.organization = self._client.project = None  # of the environment: no other server's business

    async def complete(self, prompt: Prompt) -> Completion:
        """See llm.ports.ModelClient; an answer that used tokens and has no text is an empty text."""
        try:
            raw = await self._client.chat.completions.with_raw_response.create(**self._request(prompt))
            answer = msgspec.json.decode(raw.content, type=_Answer)
        except openai.APIStatusError as error:
            raise self._refused(error) from error
        except openai.APIConnectionError as error:
            cause = error.__cause__
            refused = type(cause).__name__ in ("ConnectError", "ConnectTimeout")
            raise ModelUnavailable(self._name, f"{type(cause or error).__name__}: {cause or error}"[:200], 0.0,
                                   refused) from error  # fmt: skip
        except openai.OpenAIError as error:
            raise ModelUnavailable(self._name, f"{type(error).__name__}: {error}"[:200]) from error
        except (msgspec.MsgspecError, RecursionError) as error:
            raise ModelUnavailable(self._name, f"no chat completion came: {error}"[:200]) from error
        except UnicodeEncodeError as error:
            raise ModelUnavailable(self._name, "the prompt is no Unicode text", 0.0, True) from error
        used = answer.usage or _Used()
        text = (answer.choices[0].message.content or "") if answer.choices else ""
        if not text and answer.usage is None:
            raise ModelUnavailable(self._name, "an answer with nothing in it")
        return Completion(text, max(0, used.prompt_tokens), max(0, used.completion_tokens))

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.aclose()

    def _request(self, prompt: Prompt) -> dict[str, Any]:
        config, system = self._config, prompt.system
        request: dict[str, Any] = {"model": config.model, "max_tokens": prompt.max_tokens}
        if config.reasoning:
            request = {"model": config.model, "max_completion_tokens": prompt.max_tokens}
        else:
            request["temperature"] = prompt.temperature
        if config.structured == "json_schema":
            name = re.sub(r"[^A-Za-z0-9_-]", "-", prompt.name)[:64]
            form: dict[str, Any] = {"name": name, "schema": dict(prompt.schema), "strict": True}
            request["response_format"] = {"type": "json_schema", "json_schema": form}
        else:
            system = f"{system}\nAnswer with one JSON object that fits this schema: {schema_text(prompt.schema)}"
            if config.structured == "json_object":
                request["response_format"] = {"type": "json_object"}
        request["messages"] = [{"role": "system", "content": system}, {"role": "user", "content": prompt.user}]
        return request

    def _refused(self, error: openai.APIStatusError) -> ModelUnavailable:
        status = error.status_code
        wait_s = retry_after_s(error.response.headers, self._now_s())
        what = _PERMANENT.get(status) or f"HTTP {status}"
        if status in _PERMANENT:
            wait_s = max(wait_s, _PERMANENT_S)
        return ModelUnavailable(self._name, what, wait_s, is_refusal(status))
