"""Texts of a job, a stranger's program, as they may be shown: no secret of the desk, nothing that drives a terminal."""

import re
from collections.abc import Sequence

HIDDEN = "[hidden]"
_LEAST = 6
_PATTERNS = (
    re.compile(r"(?i)(\bbearer\s+)[^\s'\",;]+"),
    re.compile(
        r"(?i)(\b[\w-]*(?:api[_-]?key|secret|token|password|passwd|passphrase)[\w-]*['\"]?\s*[=:]\s*['\"]?)[^\s'\",;}]+"
    ),
    re.compile(r"(://[^\s/:@]*:)[^\s/@]+(?=@)"),
)


def redacted(text: str, secrets: Sequence[str] = ()) -> str:
    """The text without these secrets and whatever looks like one, and without control characters.

    A secret of less than six characters is not looked for: it would stand in every other word.
    """
    for secret in sorted((each for each in secrets if len(each) >= _LEAST), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<1>{HIDDEN}", text)
    return "".join(each if each.isprintable() or each in "\n\t" else "\N{REPLACEMENT CHARACTER}" for each in text)
