"""Untrusted text made plain: what is checked is what is shown.

Compatibility forms are folded (full-width digits become digits), characters without a shape of their own (controls,
bidirectional marks, zero-width joiners) are removed, typographic punctuation becomes ASCII.
"""

import re
import unicodedata

_TYPOGRAPHIC = str.maketrans(
    {
        "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-", "\u2212": "-",
        "\u2010": "-", "\u2011": "-", "\u2264": "<=", "\u2265": ">=", "\u2248": "~", "\u00d7": "x", "\u00b1": "+-",
        "\u2192": "->", "\u2022": "-", "\u00b7": "-",
    }
)  # fmt: skip
_SHAPELESS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_SPACES = re.compile(r"\s+")


def plain(text: str) -> str:
    """`text` on one line, folded and without shapeless characters; it may still hold letters that are not ASCII."""
    folded = unicodedata.normalize("NFKC", text).translate(_TYPOGRAPHIC)
    spaced = _SPACES.sub(" ", folded)
    return "".join(c for c in spaced if unicodedata.category(c) not in _SHAPELESS).strip()


def clipped(text: str, longest: int) -> str:
    """At most `longest` characters, cut between words where there is a space, with `...` where something is missing."""
    if len(text) <= longest:
        return text
    head = text[: longest - 3]
    return (head.rsplit(" ", 1)[0] if " " in head else head) + "..."


def shown(text: str, longest: int = 40) -> str:
    """A bounded quotation of text that may be hostile: printable ASCII without quotes, brackets or line ends."""
    safe = "".join(
        c if c.isascii() and c.isprintable() and c not in "\"'`<>{}[]\\" else "?" for c in text[: longest + 1]
    )
    return safe if len(safe) <= longest else safe[:longest] + "..."
