"""What a provider needs before it can be asked. A user's mistake is a ConfigError that says what to do.

No client is imported here, so that a command that only looks starts quickly.
"""

import importlib.util
from collections.abc import Callable

from pydantic import SecretStr

from fks_actors.errors import ConfigError
from fks_actors.llm.config import LlmConfig, Place, ProviderConfig

KeyOf = Callable[[str, ProviderConfig], SecretStr | None]
"""A provider's key by its name; None where there is none. Raises ConfigError for one that cannot be used."""


def check_providers(config: LlmConfig, key_of: KeyOf) -> None:
    """See whether every provider can be asked, without asking.

    Raises:
        ConfigError: a key or an extra is missing; the text says what to do.
    """
    for name, provider in config.providers.items():
        provider_key(name, provider, key_of)
        if provider.kind == "gemini" and not _is_there("google.genai"):
            raise ConfigError(f"llm.providers.{name}: kind gemini needs an extra: pip install 'fks-actors[gemini]'")


def provider_key(name: str, provider: ProviderConfig, key_of: KeyOf) -> SecretStr | None:
    """The key, None where the server asks for none.

    Raises:
        ConfigError: there is none, although one is needed.
    """
    key = key_of(name, provider)
    needed = provider.key_env or provider.kind == "gemini" or (provider.place is Place.CLOUD and provider.is_paid)
    if key is None and needed:
        variable = f"set {provider.key_env}" if provider.key_env else "name its variable in key_env"
        raise ConfigError(f"llm.providers.{name}: no key: {variable}, or put it into FKS_HOME/keys/{name}.key (0600)")
    return key


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
