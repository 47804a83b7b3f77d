"""The subject of a TLS client certificate, as a proxy that has verified it passes it on (RFC 4514: `CN=a,O=b`).

Only that form is read. The older `/O=b/CN=a` cannot be parted safely: a slash may belong to a value.
"""

import re
from collections.abc import Mapping

_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9-]*|\d+(\.\d+)+", re.ASCII)
_PART = re.compile(r"((?:[^\\,+;\"<>]|\\.)*)([,+]|\Z)", re.DOTALL)
_ESCAPED = re.compile(rb"\\([0-9A-Fa-f]{2}|.)", re.DOTALL)
_LONGEST = 1024
VERIFIED = frozenset({"SUCCESS", "0"})
"""What nginx and Apache (`SUCCESS`) and HAProxy (`ssl_c_verify`: 0) say of a certificate that they accept."""

Subject = Mapping[str, tuple[str, ...]]


def read_subject(text: str) -> Subject | None:
    """Each attribute's values by its type in capitals; None where `text` is no RFC 4514 name."""
    if not text or len(text) > _LONGEST:
        return None
    found: dict[str, tuple[str, ...]] = {}
    at, more = 0, True
    while more:
        part = _PART.match(text, at)
        if part is None:
            return None
        kind, equals, value = part[1].strip(" ").partition("=")
        value = _unescaped(value)
        if not equals or not _TYPE.fullmatch(kind) or not value or value.startswith("#"):
            return None
        found[kind.upper()] = (*found.get(kind.upper(), ()), value)
        at, more = part.end(), bool(part[2])
    return found


def matches(given: str, expected: str) -> bool:
    """Whether the subject `given` has every attribute of `expected`, each with exactly those values and no others.

    A second CN beside the expected one makes another subject; attributes that `expected` leaves out may be there.
    """
    theirs, ours = read_subject(given), read_subject(expected)
    if theirs is None or not ours:
        return False
    return all(sorted(theirs.get(kind, ())) == sorted(values) for kind, values in ours.items())


def _unescaped(value: str) -> str:
    def plain(found: re.Match[bytes]) -> bytes:
        return bytes.fromhex(found[1].decode()) if len(found[1]) > 1 else found[1]

    raw = _ESCAPED.sub(plain, value.encode("utf-8", "surrogatepass"))
    return raw.decode("utf-8", "replace")
