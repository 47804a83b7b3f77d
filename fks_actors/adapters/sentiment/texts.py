"""An untrusted text made fit for a model: bounded, one line, no characters that hide or disguise."""

import re
import unicodedata

from fks_actors.adapters.sentiment.port import TEXT_LIMIT

_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def clean(text: str) -> str:
    """The text's first 2,000 characters in NFKC form, without invisible characters, on one line."""
    text = text[:TEXT_LIMIT]
    if not text.isascii():
        visible = "".join(c if unicodedata.category(c) not in _INVISIBLE else _instead(c) for c in text)
        text = unicodedata.normalize("NFKC", visible)[:TEXT_LIMIT]
    return _CONTROL.sub(" ", text)


def _instead(character: str) -> str:
    return " " if unicodedata.category(character) == "Cc" else ""
