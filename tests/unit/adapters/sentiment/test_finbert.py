"""A sequence classifier of transformers behind the port, tried with a tiny one of random weights."""

from pathlib import Path

import pytest

from fks_actors.adapters.sentiment.config import SentimentModelConfig
from fks_actors.adapters.sentiment.factory import open_model
from fks_actors.errors import ConfigError
from tests.unit.adapters.sentiment.contract import HEADLINES, is_near, keeps_the_contract
from tests.unit.adapters.sentiment.encoders import tiny_config, tiny_tokenizer

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch", reason="pip install torch==2.13.0")

FINBERT_LABELS = {0: "positive", 1: "negative", 2: "neutral"}


def write_classifier(folder: Path, id2label: dict[int, str]) -> Path:
    from tokenizers import Tokenizer
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    torch.manual_seed(3)
    labels = {name: at for at, name in id2label.items()}
    config = BertConfig(**tiny_config(), id2label=id2label, label2id=labels, initializer_range=0.2)
    BertForSequenceClassification(config).save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(tiny_tokenizer()), pad_token="[PAD]", unk_token="[UNK]"
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_classifier(tmp_path_factory.mktemp("finbert"), FINBERT_LABELS)


@pytest.mark.parametrize(("int8", "slack"), [(False, 1e-4), (True, 0.05)])
def test_finbert_when_read_from_a_folder_then_it_keeps_the_contract(folder: Path, int8: bool, slack: float) -> None:
    model = open_model(SentimentModelConfig(kind="finbert", path=str(folder), int8=int8, batch_size=4))
    keeps_the_contract(model, slack=slack)
    assert model.name == f"finbert:{folder.name}"


def test_finbert_when_in_int8_then_it_is_near_the_float_model_and_not_the_same(folder: Path) -> None:
    whole = open_model(SentimentModelConfig(kind="finbert", path=str(folder), int8=False)).score(HEADLINES)
    small = open_model(SentimentModelConfig(kind="finbert", path=str(folder), int8=True)).score(HEADLINES)
    assert whole != small
    assert all(is_near(a, b, 0.1) for a, b in zip(whole, small, strict=True))


def test_finbert_when_the_model_orders_its_labels_otherwise_then_scores_follow_the_names(
    folder: Path, tmp_path: Path
) -> None:
    turned = write_classifier(tmp_path, {0: "negative", 1: "positive", 2: "neutral"})
    as_is = open_model(SentimentModelConfig(kind="finbert", path=str(folder), int8=False)).score(HEADLINES)
    swapped = open_model(SentimentModelConfig(kind="finbert", path=str(turned), int8=False)).score(HEADLINES)
    for one, other in zip(as_is, swapped, strict=True):
        assert one.value == pytest.approx(-other.value, abs=1e-5)
    assert any(abs(score.value) > 0.05 for score in as_is)


def test_finbert_when_the_labels_are_others_then_it_is_refused(tmp_path: Path) -> None:
    write_classifier(tmp_path, {0: "joy", 1: "anger", 2: "fear"})
    with pytest.raises(ConfigError, match="are not negative, neutral and positive"):
        open_model(SentimentModelConfig(kind="finbert", path=str(tmp_path)))


def test_finbert_when_the_folder_is_empty_then_it_says_what_belongs_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"(?s)cannot be loaded .*config\.json, model\.safetensors"):
        open_model(SentimentModelConfig(kind="finbert", path=str(tmp_path)))
