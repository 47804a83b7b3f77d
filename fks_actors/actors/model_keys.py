"""Where the key of a language model's provider is found: its variable, else FKS_HOME/keys/<provider>.key (0600)."""

from pathlib import Path

from pydantic import SecretStr

from fks_actors.adapters.llm.providers import KeyOf
from fks_actors.errors import ConfigError
from fks_actors.home import known_secret
from fks_actors.llm.config import ProviderConfig


def keys_under(root: Path) -> KeyOf:
    """How the keys of a home are looked up."""

    def key_of(name: str, provider: ProviderConfig) -> SecretStr | None:
        path = root / "keys" / f"{name}.key"
        try:
            found = known_secret(path, provider.key_env)
        except ConfigError as error:
            told = str(error).partition("; ")[0]
            raise ConfigError(f"llm.providers.{name}: {told}; write the key alone into it and chmod 600 it") from None
        return None if found is None else SecretStr(found)

    return key_of
