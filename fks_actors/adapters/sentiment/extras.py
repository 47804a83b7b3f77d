"""Optional packages, imported when a model needs them, with a word on how to get them."""

import importlib
from typing import Any

from fks_actors.errors import ConfigError


def needed(module: str, extra: str, what: str) -> Any:
    """The module, imported.

    Raises:
        ConfigError: it is not installed; the text says what to install.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ConfigError(f"{what} needs {package} ({error}): pip install 'fks-actors[{extra}]'") from None


def transformers_for(what: str) -> Any:
    """transformers with torch beneath it, told to keep its progress bars and load reports to itself.

    Raises:
        ConfigError: one of them is not installed.
    """
    needed("torch", "nlp", what)
    transformers = needed("transformers", "nlp", what)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    return transformers
