"""What a head sees besides the embedding: the lexicon's sums, and words and pairs of words hashed into buckets."""

import itertools
import math
import re
from collections.abc import Mapping
from zlib import crc32

from fks_actors.adapters.sentiment.lexicon import LexiconModel, features_of, tokens_of
from fks_actors.adapters.sentiment.texts import clean

BUCKETS = 1 << 14
LEXICAL = ("sum", "good", "bad", "moves", "any")
WIDTH = len(LEXICAL) + BUCKETS
_FIGURE = re.compile(r"\d+")


def wide_features(text: str, lexicon: LexiconModel) -> Mapping[int, float]:
    """A sparse row of `WIDTH` columns: the lexicon's numbers, then the hashed words, of length 1 together."""
    sums = features_of(lexicon.read(text))
    row = {at: sums[name] for at, name in enumerate(LEXICAL)}
    words = [_FIGURE.sub("0", token) for token in tokens_of(clean(text))]
    terms = {*words, *(f"{a} {b}" for a, b in itertools.pairwise(words))}
    share = 1.0 / math.sqrt(len(terms)) if terms else 0.0
    for term in terms:
        column = len(LEXICAL) + crc32(term.encode()) % BUCKETS
        row[column] = row.get(column, 0.0) + share
    return row
