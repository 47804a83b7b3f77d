"""Where an exchange's keys come from: a file under FKS_HOME or a variable of the environment. Never logged."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from fks_actors.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Keys:
    """An account's keys. `password` is what OKX, KuCoin and others call a passphrase."""

    api_key: SecretStr
    secret: SecretStr
    password: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class KeySource:
    """Names of variables, and files that count where the variable is not set. Empty: not used."""

    key_env: str = ""
    secret_env: str = ""
    key_file: str = ""
    secret_file: str = ""
    password_env: str = ""
    password_file: str = ""

    def read(self, environment: Mapping[str, str] | None = None) -> Keys:
        """The keys.

        Raises:
            ConfigError: a key is set nowhere, or its file cannot be read.
        """
        env = os.environ if environment is None else environment
        key = _found(env, self.key_env, self.key_file)
        secret = _found(env, self.secret_env, self.secret_file)
        if not key or not secret:
            where = " or ".join(
                part
                for part in (f"{self.key_env} and {self.secret_env}", f"{self.key_file} and {self.secret_file}")
                if part != " and "
            )
            raise ConfigError(f"no API key for the venue: set {where}")
        return Keys(SecretStr(key), SecretStr(secret), SecretStr(_found(env, self.password_env, self.password_file)))


def _found(env: Mapping[str, str], name: str, file: str) -> str:
    if name and env.get(name):
        return env[name].strip()
    if not file or not Path(file).exists():
        return ""
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: the key cannot be read: {type(error).__name__}") from None
