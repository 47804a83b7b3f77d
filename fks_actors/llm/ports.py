"""What this room needs from outside: somebody who completes a prompt. Clients are in `adapters.llm`."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from fks_actors.model.debates import Tier


class Prompt(msgspec.Struct, frozen=True, gc=False):
    """A rendered question. `name` = `<name>@<version>`; `schema` is the JSON schema that the answer must fit.

    `agent` asks, and pays from its own budget; `temperature` 0 is the most repeatable.
    """

    name: str
    agent: str
    tier: Tier
    system: str
    user: str
    schema: Mapping[str, Any]
    max_tokens: int = 512
    temperature: float = 0.0


class Completion(msgspec.Struct, frozen=True, gc=False):
    """What a model wrote. Token counts as the provider reports them, 0 where it does not."""

    text: str
    tokens_in: int = 0
    tokens_out: int = 0


class ModelClient(Protocol):
    """One provider's model. Safe to cancel: a call that took too long is cancelled by whoever asked."""

    async def complete(self, prompt: Prompt) -> Completion:
        """One request, never repeated here.

        Raises:
            ModelUnavailable: no answer came: refused, cut off, overloaded. `retry_after_s` where the provider said.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
