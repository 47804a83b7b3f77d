"""A configuration becomes a model, or a word on what is missing."""

import io
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from fks_actors.adapters.sentiment.config import SentimentModelConfig
from fks_actors.adapters.sentiment.extras import needed
from fks_actors.adapters.sentiment.factory import open_model
from fks_actors.adapters.sentiment.finbert import columns_of
from fks_actors.adapters.sentiment.hashing import WIDTH
from fks_actors.adapters.sentiment.head import Head
from fks_actors.adapters.sentiment.port import Score
from fks_actors.errors import ConfigError


def test_open_model_when_nothing_is_configured_then_it_is_the_lexicon() -> None:
    model = open_model(SentimentModelConfig())
    assert model.name == "lexicon-1"
    (score,) = model.score(["Profit rose"])
    assert score.value > 0.3


@pytest.mark.parametrize("kind", ["minilm", "finbert"])
def test_open_model_when_the_folder_is_missing_then_it_names_the_key(kind: str, tmp_path: Path) -> None:
    config = SentimentModelConfig.model_validate({"kind": kind, "path": str(tmp_path / "nowhere")})
    with pytest.raises(ConfigError, match=r"sentiment\.path: .*nowhere is no folder"):
        open_model(config)


def test_open_model_when_the_minilm_folder_is_empty_then_it_says_how_to_fill_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"model\.onnx is missing; .*fks_actors\.adapters\.sentiment\.train"):
        open_model(SentimentModelConfig(kind="minilm", path=str(tmp_path)))


def test_open_model_when_the_minilm_file_is_damaged_then_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model")
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ConfigError, match="holds no model"):
        open_model(SentimentModelConfig(kind="minilm", path=str(tmp_path)))


@pytest.mark.parametrize(
    "wrong", [{"kind": "minilm"}, {"kind": "vader"}, {"batch_size": 0}, {"threads": 0}, {"tokens": 5}, {"model": ""}]
)
def test_config_when_a_key_is_wrong_then_it_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SentimentModelConfig.model_validate(wrong)


def test_needed_when_a_package_is_missing_then_it_says_what_to_install() -> None:
    with pytest.raises(ConfigError, match=r"the model needs no_such_package .*pip install 'fks-actors\[nlp\]'"):
        needed("no_such_package.part", "nlp", "the model")


@pytest.mark.parametrize(
    ("labels", "columns"),
    [
        ({0: "positive", 1: "negative", 2: "neutral"}, (1, 2, 0)),
        ({0: "Bearish", 1: "Neutral", 2: "Bullish"}, (0, 1, 2)),
    ],
)
def test_columns_when_a_model_names_its_labels_then_they_are_found(
    labels: dict[int, str], columns: tuple[int, ...]
) -> None:
    assert columns_of(labels) == columns


@pytest.mark.parametrize("labels", [{0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}, {0: "positive", 1: "negative"}, {}])
def test_columns_when_the_labels_are_others_then_it_is_refused(labels: dict[int, str]) -> None:
    with pytest.raises(ConfigError, match="are not negative, neutral and positive"):
        columns_of(labels)


def head(deep: float = 0.0, wide: float = 0.0, bias: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Head:
    return Head(np.full((3, 4), deep, np.float32), np.full((3, WIDTH), wide, np.float32), np.array(bias, np.float32))


def test_head_when_saved_and_loaded_then_it_scores_the_same(tmp_path: Path) -> None:
    head(bias=(0.1, 0.2, 2.0)).save(tmp_path / "head.npz")
    loaded = Head.load(tmp_path / "head.npz")
    row = np.ones(4, np.float32)
    assert loaded.score(row, {0: 1.0}) == head(bias=(0.1, 0.2, 2.0)).score(row, {0: 1.0})
    assert loaded.score(row, {}).p_positive > 0.7


def test_head_when_features_are_not_finite_then_it_is_neutral() -> None:
    assert head(deep=1.0).score(np.full(4, np.nan, np.float32), {}) == Score(0.0, 1.0, 0.0)


def array_bytes() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.zeros(3))
    return stream.getvalue()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"no archive", array_bytes()])
def test_head_when_the_file_is_damaged_then_it_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "head.npz").write_bytes(content)
    with pytest.raises(ConfigError, match="is no head"):
        Head.load(tmp_path / "head.npz")


def test_head_when_its_numbers_do_not_fit_then_it_is_refused() -> None:
    with pytest.raises(ConfigError, match="not finite"):
        head(bias=(0.0, float("inf"), 0.0))
    with pytest.raises(ConfigError, match="does not fit"):
        Head(np.zeros((2, 4), np.float32), np.zeros((3, WIDTH), np.float32), np.zeros(3, np.float32))
