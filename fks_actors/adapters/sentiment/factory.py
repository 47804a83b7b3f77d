"""From the configuration to a model."""

from pathlib import Path

from fks_actors.adapters.sentiment.config import SentimentModelConfig
from fks_actors.adapters.sentiment.lexicon import LexiconModel
from fks_actors.adapters.sentiment.port import SentimentModel
from fks_actors.errors import ConfigError


def open_model(config: SentimentModelConfig) -> SentimentModel:
    """The model that the configuration names, loaded; seconds for FinBERT, so not on an event loop.

    Raises:
        ConfigError: a package or a file is missing; the text says what to install, write or set.
    """
    if config.kind == "lexicon":
        return LexiconModel()
    folder = Path(config.path).expanduser()
    if config.path and not folder.is_dir():
        raise ConfigError(f"sentiment.path: {folder} is no folder; give the one that holds the {config.kind} model")
    if config.kind == "minilm":
        from fks_actors.adapters.sentiment.minilm import open_minilm

        return open_minilm(folder, threads=config.threads, max_tokens=config.max_pieces)
    from fks_actors.adapters.sentiment.finbert import FinBertModel

    return FinBertModel(
        str(folder) if config.path else config.model,
        local=bool(config.path),
        batch_size=config.batch_size,
        threads=config.threads,
        max_tokens=config.max_pieces,
        int8=config.int8,
    )
