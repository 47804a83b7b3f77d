"""A source's key: in a variable of the environment, or in a file that nobody else may read. Never logged."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from fks_actors.adapters.news.config import NewsSourceConfig
from fks_actors.errors import ConfigError

_MAX_BYTES = 4_096


def read_key(name: str, config: NewsSourceConfig, environment: Mapping[str, str] | None = None) -> SecretStr:
    """The key of the source called `name`.

    Raises:
        ConfigError: it is set nowhere, its file can be read by others or not at all, or it is no line of plain ASCII.
    """
    variable = config.key_env or f"FKS_NEWS_{name.upper()}_KEY"
    env = os.environ if environment is None else environment
    key = env.get(variable, "").strip() or (_of_file(name, config.key_file) if config.key_file else "")
    if not key:
        also = f" or put it into {config.key_file} (mode 0600)" if config.key_file else ""
        raise ConfigError(f"no key for the news source {name}: set {variable}{also}")
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ConfigError(f"the key of the news source {name} is no line of plain ASCII")
    return SecretStr(key)


def _of_file(name: str, file: str) -> str:
    path = Path(file).expanduser()
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise ConfigError(f"{file}: others may read the key of the news source {name}: chmod 600 {file}")
        with path.open("rb") as lines:
            return lines.read(_MAX_BYTES).decode("utf-8").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: the key cannot be read: {type(error).__name__}") from None
