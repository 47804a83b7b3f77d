"""Fits a model to examples: an encoder, tuned or as it is, and the head over it. Measures it by cross-validation.

A fold's encoder, head and scales see nothing but the fold's training texts, and it is the int8 file as it would be used
that is measured. The deep part's logits and the wide part's are added with fixed shares, chosen on one fold.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fks_actors.adapters.sentiment.encoder import Weights, read_encoder, write_onnx
from fks_actors.adapters.sentiment.examples import ExampleSet
from fks_actors.adapters.sentiment.extras import needed
from fks_actors.adapters.sentiment.hashing import WIDTH, wide_features
from fks_actors.adapters.sentiment.head import LABELS, Floats, Head
from fks_actors.adapters.sentiment.lexicon import LexiconModel
from fks_actors.adapters.sentiment.minilm import MODEL, Encoder, Featurer, MiniLmModel
from fks_actors.adapters.sentiment.port import SentimentModel
from fks_actors.adapters.sentiment.texts import clean
from fks_actors.adapters.sentiment.tuning import tune

DEEP_SHARE_TUNED, DEEP_SHARE_FROZEN = 0.85, 0.7
_DEEP_C, _WIDE_C = 0.003, 3.0
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to fit: the encoder's folder, epochs of fine-tuning (0 leaves the encoder as it is), seed, threads."""

    encoder: Path
    epochs: int = 2
    seed: int = 7
    threads: int = 1
    max_tokens: int = 96


@dataclass(frozen=True, slots=True)
class Grade:
    """How well a model did on a set: accuracy, F1 of each label, and their mean."""

    model: str
    trained_on: str
    tested_on: str
    accuracy: float
    f1: tuple[float, float, float]

    @property
    def macro_f1(self) -> float:
        """The mean of the labels' F1."""
        return sum(self.f1) / len(self.f1)

    def row(self) -> str:
        """A line of a Markdown table."""
        numbers = " | ".join(f"{number:.3f}" for number in (self.accuracy, self.macro_f1, *self.f1))
        return f"| {self.model} | {self.trained_on} | {self.tested_on} | {numbers} |"


def fit(recipe: Recipe, texts: Sequence[str], labels: Sequence[int], folder: Path) -> MiniLmModel:
    """Fit encoder and head; the encoder is written to the folder.

    Raises:
        ConfigError: a package that the recipe needs is not installed, or the encoder's folder holds none.
    """
    return _headed(*_encoder(recipe, texts, labels, folder), texts, labels)


def cross_validate(recipe: Recipe, examples: ExampleSet, folds: int, say: Say) -> Grade:
    """Grade the recipe by stratified folds that keep like texts together."""
    selection = needed("sklearn.model_selection", "train", "cross-validation")
    texts, labels = np.array(examples.texts, object), np.array(examples.labels)
    splits = selection.StratifiedGroupKFold(folds, shuffle=True, random_state=recipe.seed)
    found = np.zeros(len(labels), int)
    with tempfile.TemporaryDirectory() as folder:
        same = None if recipe.epochs else Remembering(_encoder(recipe, (), (), Path(folder))[0])
        for at, (train, test) in enumerate(splits.split(texts, labels, examples.groups), 1):
            seen, known = texts[train].tolist(), labels[train].tolist()
            encoder, layer = (same, None) if same else _encoder(recipe, seen, known, Path(folder))
            found[test] = predictions(_headed(encoder, layer, seen, known), texts[test].tolist())
            partial = grade("", "", "", labels[test].tolist(), found[test].tolist())
            say(f"{examples.name} fold {at}/{folds}: accuracy {partial.accuracy:.3f}, macro-F1 {partial.macro_f1:.3f}")
    name = "minilm, tuned" if recipe.epochs else "minilm"
    return grade(name, f"{examples.name}, {folds}-fold", examples.name, examples.labels, found.tolist())


class Remembering:
    """An encoder that looks at each text once."""

    def __init__(self, encoder: Featurer) -> None:
        self._encoder = encoder
        self._rows: dict[str, Floats] = {}

    @property
    def width(self) -> int:
        """How many features."""
        return self._encoder.width

    def features(self, texts: Sequence[str]) -> Floats:
        """One row of features a text."""
        new = [text for text in texts if text not in self._rows]
        self._rows.update(zip(new, self._encoder.features(new), strict=True))
        return np.array([self._rows[text] for text in texts])


def predictions(model: SentimentModel, texts: Sequence[str]) -> list[int]:
    """The likeliest label of each text."""
    return [
        max(range(3), key=(score.p_negative, score.p_neutral, score.p_positive).__getitem__)
        for score in model.score(texts)
    ]


def grade(model: str, trained_on: str, tested_on: str, labels: Sequence[int], found: Sequence[int]) -> Grade:
    """Accuracy and F1 of the labels found."""
    true, said = np.asarray(labels), np.asarray(found)
    f1 = []
    for label in range(len(LABELS)):
        hits = int(((true == label) & (said == label)).sum())
        f1.append(2 * hits / max(1, int((true == label).sum() + (said == label).sum())))
    return Grade(model, trained_on, tested_on, float((true == said).mean()), (f1[0], f1[1], f1[2]))


def _encoder(
    recipe: Recipe, texts: Sequence[str], labels: Sequence[int], folder: Path
) -> tuple[Featurer, tuple[Floats, Floats] | None]:
    shape, read = read_encoder(recipe.encoder)
    weights: Weights = read
    layer = None
    if recipe.epochs:
        weights, *tuned = tune(
            recipe.encoder,
            [clean(text) for text in texts],
            labels,
            epochs=recipe.epochs,
            seed=recipe.seed,
            threads=recipe.threads,
            max_tokens=recipe.max_tokens,
        )
        layer = (tuned[0], tuned[1])
    write_onnx(shape, weights, folder / MODEL)
    tokenizer = recipe.encoder / "tokenizer.json"
    return Encoder(folder / MODEL, tokenizer, threads=recipe.threads, max_tokens=recipe.max_tokens), layer


def _headed(
    encoder: Featurer, layer: tuple[Floats, Floats] | None, texts: Sequence[str], labels: Sequence[int]
) -> MiniLmModel:
    deep, bias = _placed(layer, encoder.width) if layer else _fit_deep(encoder.features(texts), labels)
    wide, wide_bias = _fit_wide(texts, labels)
    share = DEEP_SHARE_TUNED if layer else DEEP_SHARE_FROZEN
    head = Head(share * deep, (1 - share) * wide, share * bias + (1 - share) * wide_bias)
    return MiniLmModel(encoder, head)


def _placed(layer: tuple[Floats, Floats], width: int) -> tuple[Floats, Floats]:
    deep = np.zeros((len(LABELS), width), np.float32)
    deep[:, : layer[0].shape[1]] = layer[0]
    return deep, layer[1]


def _fit_deep(features: Floats, labels: Sequence[int]) -> tuple[Floats, Floats]:
    linear = needed("sklearn.linear_model", "train", "training")
    mean, scale = features.mean(0), features.std(0) + 1e-6
    fitted = linear.LogisticRegression(C=_DEEP_C, max_iter=300, tol=1e-3).fit((features - mean) / scale, labels)
    weight = (fitted.coef_ / scale).astype(np.float32)
    return weight, (fitted.intercept_ - weight @ mean).astype(np.float32)


def _fit_wide(texts: Sequence[str], labels: Sequence[int]) -> tuple[Floats, Floats]:
    linear = needed("sklearn.linear_model", "train", "training")
    sparse = needed("scipy.sparse", "train", "training")
    lexicon = LexiconModel()
    rows = [wide_features(text, lexicon) for text in texts]
    ends = np.cumsum([0, *map(len, rows)])
    columns = [column for row in rows for column in row]
    matrix = sparse.csr_matrix(([value for row in rows for value in row.values()], columns, ends), (len(rows), WIDTH))
    fitted = linear.LogisticRegression(C=_WIDE_C, max_iter=500, tol=1e-3).fit(matrix, labels)
    return fitted.coef_.astype(np.float32), fitted.intercept_.astype(np.float32)
