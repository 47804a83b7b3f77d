"""Labelled texts to train and to evaluate with: Financial PhraseBank's archive, or a CSV of text and label."""

import csv
import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from fks_actors.adapters.sentiment.head import LABELS
from fks_actors.errors import DataFileError

_LETTERS = re.compile(r"[^\W\d_]+")
_TWITTER = {"0": "negative", "1": "positive", "2": "neutral"}


class Example(NamedTuple):
    """A text and its label, an index into LABELS."""

    text: str
    label: int


@dataclass(frozen=True, slots=True)
class ExampleSet:
    """A named list of examples, no text twice."""

    name: str
    examples: tuple[Example, ...]

    @property
    def texts(self) -> list[str]:
        """The texts, in order."""
        return [example.text for example in self.examples]

    @property
    def labels(self) -> list[int]:
        """The labels, in order."""
        return [example.label for example in self.examples]

    @property
    def groups(self) -> list[str]:
        """What must not be divided between training and test: texts of the same letters, whatever their figures."""
        return [" ".join(_LETTERS.findall(example.text.casefold())) for example in self.examples]


def read_phrasebank(archive: Path, agreement: str) -> ExampleSet:
    """The sentences of one agreement (AllAgree, 75Agree, 66Agree or 50Agree); of one that stands twice, the first.

    Raises:
        DataFileError: the archive or the file in it is missing or malformed.
    """
    name = f"FinancialPhraseBank-v1.0/Sentences_{agreement}.txt"
    try:
        with zipfile.ZipFile(archive) as opened:
            text = opened.read(name).decode("latin-1")
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise DataFileError(str(archive), None, f"no {name} in it ({error}); get Financial PhraseBank v1.0") from None
    pairs = [line.rpartition("@")[::2] for line in (line.strip("\r ") for line in text.split("\n")) if line]
    return _example_set(agreement, archive, pairs)


def read_csv(path: Path) -> ExampleSet:
    """The rows of a CSV with the columns text and label.

    A label is negative, neutral or positive, or one of 0 bearish, 1 bullish, 2 neutral.

    Raises:
        DataFileError: the file is missing or malformed.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
        pairs = [(row["text"], _TWITTER.get(row["label"], row["label"])) for row in rows]
    except (OSError, UnicodeDecodeError, KeyError, csv.Error) as error:
        raise DataFileError(str(path), None, f"no CSV with the columns text and label ({error!r})") from None
    return _example_set(path.stem, path, pairs)


def _example_set(name: str, path: Path, pairs: Sequence[tuple[str, str]]) -> ExampleSet:
    seen: dict[str, Example] = {}
    for line, (text, label) in enumerate(pairs, 1):
        if label not in LABELS:
            raise DataFileError(str(path), line, f"label {label!r} is none of {', '.join(LABELS)}")
        text = " ".join(text.split())
        seen.setdefault(text, Example(text, LABELS.index(label)))
    return ExampleSet(name, tuple(seen.values()))
