"""The encoder on onnxruntime: the graph says what the weights say, and the model keeps the port's contract."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fks_actors.adapters.sentiment.config import SentimentModelConfig
from fks_actors.adapters.sentiment.encoder import read_encoder, write_onnx
from fks_actors.adapters.sentiment.examples import read_csv
from fks_actors.adapters.sentiment.factory import open_model
from fks_actors.adapters.sentiment.fitting import Recipe, fit, predictions
from fks_actors.adapters.sentiment.minilm import Encoder
from fks_actors.adapters.sentiment.port import SentimentModel
from fks_actors.adapters.sentiment.train import main
from fks_actors.errors import ConfigError
from tests.unit.adapters.sentiment.contract import HEADLINES, keeps_the_contract
from tests.unit.adapters.sentiment.encoders import HIDDEN, real_minilm, write_tiny_encoder

pytest.importorskip("onnx", reason="onnx writes the encoder's graph; pip install 'fks-actors[train]'")

GOOD = ("profit rose", "sales rose", "new bitcoin rose", "the profit of the sales rose", "bitcoin rose 5 %")
BAD = ("profit fell", "sales fell", "new bitcoin fell", "the profit of the sales fell", "bitcoin fell 5 %")
PLAIN = ("the sales of bitcoin", "a new profit", "the new sales", "bitcoin of the sales", "a bitcoin")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_encoder(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def trained(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What the training command wrote, of a tiny encoder and fifteen texts."""
    folder = tmp_path_factory.mktemp("trained")
    rows = [
        (text, label) for texts, label in ((GOOD, "positive"), (BAD, "negative"), (PLAIN, "neutral")) for text in texts
    ]
    data = folder / "texts.csv"
    data.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))
    arguments = ["--csv", str(data), "--encoder", str(tiny), "--out", str(folder / "out"), "--epochs", "0"]
    assert main([*arguments, "--folds", "2", "--test", str(data)]) == 0
    return folder / "out"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> SentimentModel:
    """MiniLM's real weights with a head fitted to a few headlines."""
    texts = [*GOOD, *BAD, *PLAIN]
    return fit(Recipe(real_minilm(), epochs=0), texts, [2] * 5 + [0] * 5 + [1] * 5, tmp_path_factory.mktemp("real"))


def test_training_when_run_then_its_folder_opens_and_keeps_the_contract(trained: Path) -> None:
    model = open_model(SentimentModelConfig(kind="minilm", path=str(trained)))
    keeps_the_contract(model, slack=0.0)
    assert model.name == "minilm:out"
    assert predictions(model, [*GOOD, *BAD]) == [2] * 5 + [0] * 5


def test_training_when_run_then_its_card_tells_the_measures(trained: Path) -> None:
    card = (trained / "README.md").read_text()
    assert "| minilm | texts, 2-fold | texts |" in card
    assert "| lexicon | - | texts |" in card
    assert "5 negative, 5 neutral, 5 positive" in card


def test_training_when_run_again_then_the_head_is_the_same(trained: Path, tiny: Path, tmp_path: Path) -> None:
    data = read_csv(trained.parent / "texts.csv")
    again = fit(Recipe(tiny, epochs=0), data.texts, data.labels, tmp_path)
    with np.load(trained / "head.npz") as stored:
        assert np.array_equal(stored["deep"], again.head.deep)
        assert np.array_equal(stored["wide"], again.head.wide)


def test_training_when_the_encoder_is_missing_then_it_says_so(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = str(trained.parent / "texts.csv")
    assert main(["--csv", data, "--encoder", str(tmp_path), "--out", str(tmp_path / "out"), "--folds", "0"]) == 2
    assert "it needs config.json and model.safetensors" in capsys.readouterr().err


def test_read_encoder_when_it_is_no_bert_then_it_is_refused(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes((tiny / "model.safetensors").read_bytes())
    (tmp_path / "config.json").write_text((tiny / "config.json").read_text().replace('"bert"', '"gpt2"'))
    with pytest.raises(ConfigError, match="holds a gpt2 model"):
        read_encoder(tmp_path)


def test_minilm_when_head_and_encoder_are_of_two_models_then_it_is_refused(trained: Path, tmp_path: Path) -> None:
    for name in ("model.onnx", "tokenizer.json"):
        (tmp_path / name).write_bytes((trained / name).read_bytes())
    with np.load(trained / "head.npz") as stored:
        np.savez(tmp_path / "head.npz", deep=stored["deep"][:, 1:], wide=stored["wide"], bias=stored["bias"])
    with pytest.raises(ConfigError, match="features, the encoder gives"):
        open_model(SentimentModelConfig(kind="minilm", path=str(tmp_path)))


def test_minilm_when_a_text_is_long_then_its_first_tokens_count(tiny: Path, tmp_path: Path) -> None:
    write_onnx(*read_encoder(tiny), tmp_path / "model.onnx")
    encoder = Encoder(tmp_path / "model.onnx", tiny / "tokenizer.json", max_tokens=8)
    row, same, other = encoder.features(["profit " * 6, "profit " * 60, "profit " * 5])
    assert np.array_equal(row, same)
    assert not np.array_equal(row, other)


def test_encoder_when_a_text_is_padded_then_the_mask_hides_the_padding(tiny: Path, tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime")
    write_onnx(*read_encoder(tiny), tmp_path / "model.onnx")
    session = runtime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])

    def run(ids: list[int], mask: list[int]) -> np.ndarray:
        inputs = {"input_ids": np.array([ids], np.int64), "attention_mask": np.array([mask], np.int64)}
        return np.asarray(session.run(None, inputs)[0][0])

    alone, padded, seen = (
        run([2, 5, 7, 3], [1] * 4),
        run([2, 5, 7, 3, 9, 9], [1] * 4 + [0] * 2),
        run([2, 5, 7, 3, 9, 9], [1] * 6),
    )
    scale = np.linalg.norm(alone)
    assert np.linalg.norm(padded - alone) < 0.1 * scale < np.linalg.norm(seen - alone)


def test_minilm_with_real_weights_when_given_any_texts_then_it_keeps_the_contract(real: SentimentModel) -> None:
    keeps_the_contract(real, slack=0.0)


def test_minilm_with_real_weights_when_words_are_new_then_it_still_understands(real: SentimentModel) -> None:
    texts = ["Earnings climbed strongly", "Shares plummeted after dire earnings"]
    good, bad = real.score(texts)
    assert good.value > bad.value + 0.2


def test_minilm_with_real_weights_when_scoring_headlines_then_sixty_a_second_pass(real: SentimentModel) -> None:
    texts = HEADLINES * 5
    real.score(texts)
    best = min(_cpu_s(real, texts) for _ in range(3))
    assert len(texts) / best >= 60


def _cpu_s(model: SentimentModel, texts: tuple[str, ...]) -> float:
    begin = time.process_time()
    model.score(texts)
    return time.process_time() - begin


@pytest.mark.torch
def test_encoder_when_written_as_onnx_then_it_says_what_torch_says(tiny: Path, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="pip install torch==2.13.0")
    from transformers import BertModel

    for folder, tolerance in ((tiny, 0.12), (real_minilm(), 0.12)):
        write_onnx(*read_encoder(folder), tmp_path / "model.onnx")
        encoder = Encoder(tmp_path / "model.onnx", folder / "tokenizer.json")
        model = BertModel.from_pretrained(folder, add_pooling_layer=False).eval()
        for text in ("profit rose", "the new sales of bitcoin fell ."):
            ids = torch.tensor([encoder.tokens([text])[0]])
            with torch.inference_mode():
                layers = model(input_ids=ids, output_hidden_states=True).hidden_states[:-4:-1]
            wanted = np.concatenate([part[0].numpy() for x in layers for part in (x.mean(1), x[:, 0], x.max(1).values)])
            (row,) = encoder.features([text])
            distance = np.linalg.norm(row - wanted) / np.linalg.norm(wanted)
            assert distance < tolerance, (folder, distance)


@pytest.mark.torch
def test_fit_when_the_encoder_is_tuned_then_it_learns_what_the_words_alone_do_not_tell(
    tiny: Path, tmp_path: Path
) -> None:
    pytest.importorskip("torch", reason="pip install torch==2.13.0")
    texts = [
        *("bitcoin the", "the a of bitcoin", "a bitcoin of the"),
        *("bitcoins", "a the bitcoins of", "of bitcoins"),
    ] * 8
    labels = [2, 2, 2, 0, 0, 0] * 8
    model = fit(Recipe(tiny, epochs=8), [*texts, "a"], [*labels, 1], tmp_path)
    assert predictions(model, ["a of the bitcoin", "a of the bitcoins"]) == [2, 0]
    assert np.count_nonzero(model.head.deep[:, HIDDEN:]) == 0
    assert np.count_nonzero(model.head.deep[:, :HIDDEN])
