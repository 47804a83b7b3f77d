"""Train the model minilm: `python -m fks_actors.adapters.sentiment.train --phrasebank ZIP --encoder DIR --out DIR`.

Writes model.onnx, tokenizer.json, head.npz and README.md (a model card) into `--out`, for `sentiment.path`. The encoder
is a local BERT-shaped sentence encoder (config.json, model.safetensors, tokenizer.json). Who trains on data of their
own gives `--csv FILE` (columns text, label) for `--phrasebank`. `--epochs 0` leaves the encoder as it is and fits the
head alone: a minute and no torch, at the price of some accuracy.
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from fks_actors.adapters.sentiment.examples import ExampleSet, read_csv, read_phrasebank
from fks_actors.adapters.sentiment.fitting import Grade, Recipe, cross_validate, fit, grade, predictions
from fks_actors.adapters.sentiment.head import LABELS
from fks_actors.adapters.sentiment.lexicon import LexiconModel
from fks_actors.adapters.sentiment.minilm import HEAD, TOKENIZER
from fks_actors.errors import FksError


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, measure and write; 0, or 2 where something is missing."""
    asked = _parser().parse_args(arguments)
    try:
        _run(asked)
    except FksError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _run(asked: argparse.Namespace) -> None:
    examples = read_csv(asked.csv) if asked.csv else read_phrasebank(asked.phrasebank, asked.agreement)
    others = [read_csv(path) for path in asked.test]
    recipe = Recipe(asked.encoder, asked.epochs, asked.seed, asked.threads, asked.max_tokens)
    grades = _lexicon_grades([examples, *others])
    _say(f"{examples.name}: {len(examples.examples)} texts")
    if asked.folds:
        grades.append(cross_validate(recipe, examples, asked.folds, _say))
    asked.out.mkdir(parents=True, exist_ok=True)
    model = fit(recipe, examples.texts, examples.labels, asked.out)
    model.head.save(asked.out / HEAD)
    shutil.copyfile(asked.encoder / TOKENIZER, asked.out / TOKENIZER)
    for other in others:
        found = predictions(model, other.texts)
        name = "minilm, tuned" if recipe.epochs else "minilm"
        grades.append(grade(name, examples.name, other.name, other.labels, found))
    card = card_of(recipe, examples, grades)
    (asked.out / "README.md").write_text(card, encoding="utf-8")
    _say(card)


def card_of(recipe: Recipe, examples: ExampleSet, grades: Sequence[Grade]) -> str:
    """The model card, in Markdown."""
    counts = ", ".join(f"{examples.labels.count(at)} {label}" for at, label in enumerate(LABELS))
    how = f"fine-tuned for {recipe.epochs} epochs" if recipe.epochs else "as it is"
    lines = [
        f"# Sentiment model minilm, trained on {examples.name}",
        "",
        f"{len(examples.examples)} texts ({counts}); encoder {how}, int8; seed {recipe.seed}.",
        "The licence of the training texts and of the encoder binds this model too.",
        "",
        "| model | trained on | tested on | accuracy | macro-F1 | "
        + " | ".join(f"F1 {label}" for label in LABELS)
        + " |",
        "|---|---|---|---|---|---|---|---|",
        *(one.row() for one in grades),
    ]
    return "\n".join(lines) + "\n"


def _lexicon_grades(sets: Sequence[ExampleSet]) -> list[Grade]:
    model = LexiconModel()
    return [grade("lexicon", "-", one.name, one.labels, predictions(model, one.texts)) for one in sets]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m fks_actors.adapters.sentiment.train", description=__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--phrasebank", type=Path, help="the archive of Financial PhraseBank v1.0")
    source.add_argument("--csv", type=Path, help="a CSV of your own, with the columns text and label")
    parser.add_argument("--agreement", default="50Agree", choices=("AllAgree", "75Agree", "66Agree", "50Agree"))
    parser.add_argument("--encoder", type=Path, required=True, help="folder of a MiniLM or another small BERT")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the model to")
    parser.add_argument("--test", type=Path, action="append", default=[], help="a CSV to test on; may be given again")
    parser.add_argument("--epochs", type=int, default=2, help="of fine-tuning (needs torch); 0 for the head alone")
    parser.add_argument("--folds", type=int, default=5, help="of the cross-validation; 0 leaves it out")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--max-tokens", type=int, default=96)
    return parser


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
