"""From the configuration to a ladder that can be asked."""

import logging
import socket
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from fks_actors.adapters.llm.openai_client import OpenAiClient
from fks_actors.adapters.llm.providers import KeyOf, provider_key
from fks_actors.adapters.llm.store import LlmStore, LostBooks, Opening
from fks_actors.errors import JournalError, ModelUnavailable
from fks_actors.llm.books import Watch
from fks_actors.llm.budget import Ledger
from fks_actors.llm.config import LlmConfig, Place, ProviderConfig
from fks_actors.llm.ladder import Ladder
from fks_actors.llm.ports import ModelClient, Prompt
from fks_actors.llm.rung import Accounts, Rung
from fks_actors.model.debates import Tier

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenLadder:
    """A ladder and what it stands on."""

    ladder: Ladder
    ledger: Ledger
    store: LlmStore | LostBooks

    async def close(self) -> None:
        """End what runs, write what waits."""
        await self.ladder.close()
        self.store.close()


def open_client(name: str, provider: ProviderConfig, key_of: KeyOf) -> ModelClient:
    """One provider's client.

    Raises:
        ConfigError: as `providers.check_providers`.
    """
    key = provider_key(name, provider, key_of)
    if provider.kind == "openai":
        return OpenAiClient(name, provider, key)
    from fks_actors.adapters.llm.gemini_client import GeminiClient

    return GeminiClient(name, provider, key or SecretStr("none"))


def open_ladder(
    config: LlmConfig,
    path: Path,
    key_of: KeyOf,
    watch: Watch,
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
) -> OpenLadder:
    """The ladder over the store at `path`. Where that cannot be opened, only models that cost nothing are asked.

    Raises:
        ConfigError: as `providers.check_providers`.
    """
    clients = {name: open_client(name, provider, key_of) for name, provider in config.providers.items()}
    store: LlmStore | LostBooks
    opening = Opening()
    try:
        store = LlmStore(path, config.usd_per_agent_per_day, config.cache_records)
        opening = store.opening(now_ms())
    except JournalError as error:
        _log.warning("models that cost are not asked: %s", error)
        store = LostBooks(str(error))
    ledger = Ledger(config.usd_per_agent_per_day, opening.entries)
    accounts = Accounts(ledger, store, watch, now_ms, new_id)
    usages = opening.usages or {}
    rungs = {
        name: Rung(name, config.providers[name], client, accounts, usages.get(name)) for name, client in clients.items()
    }
    return OpenLadder(Ladder(config, rungs, accounts), ledger, store)


async def warm(config: LlmConfig) -> None:
    """Pay now what the first request of a process costs (imports, validators: 0.3 s), so that no deadline pays it.

    It goes to a port of this machine that nobody can listen on.
    """
    asked = Prompt("warm@1", "warm", Tier.ROUTINE, "", "", {"type": "object"}, 1)
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{held.getsockname()[1]}"
        for kind in {provider.kind for provider in config.providers.values()}:
            nobody = ProviderConfig(kind=kind, base_url=address, model="none", place=Place.CLOUD)
            client = open_client("warm", nobody, lambda name, provider: SecretStr("none"))
            with suppress(ModelUnavailable):
                await client.complete(asked)
            await client.close()
