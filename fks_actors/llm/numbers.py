"""Numbers in prose, and whether a Brief holds them as they are printed there.

`1,234.5`, `0.62`, `+2%`, `65k` are read; a comma as decimal point, a digit inside a word and the like are not. A number
is held where a figure of the Brief, rounded or cut off at the printed precision, gives it: 28.43 may be printed as
28.4, 28 and 28.43, but not as 30. A percentage is held by its figure times 100 or by the figure itself, basis points by
its figure times 10,000. A sign that is printed must be right; one that is left out is not missed ("fell 2%"). Alone,
a digit is held by that very number only. Times are held by the bar's interval, and by as many bars as a figure says.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_NUMBER = re.compile(
    r"(?=[-+$.0-9])(?P<sign>(?<![\w.%)])[+-])?\$?"
    r"(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)?(?P<part>\.[0-9]+)?(?P<power>[eE][+-]?[0-9]{1,2}(?![0-9]))?"
    r"(?P<unit> ?%| percent\b| pct\b| ?bps\b| basis points\b|[kKMB]\b"
    r"|[- ]?(?:seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h"
    r"|days?|d|weeks?|w|months?|years?)\b|(?:st|nd|rd|th)\b|x\b)?"
)
_COUNTED = re.compile(
    r"(?: of(?: the| all)?(?: [0-9]{1,2})?)? "
    r"(?:minds?|votes?|voters?|voices?|agents?|analysts?|specialists?|sides?|sellers?|buyers?|abstentions?|others?|facts?)\b"
)
_SPANS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_SCALES = {"k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9}
_MOST_DIGITS = 24


@dataclass(frozen=True, slots=True)
class Printed:
    """A number in a text. `size` is unsigned, `step` its last printed digit's worth, `sign` 1, -1 or 0 where none is
    printed. `kind`: plain, percent, bps, ordinal, span (`span_ms` a unit), malformed. `counts`: of minds."""

    text: str
    start: int
    end: int
    size: float
    step: float
    sign: int
    kind: str
    span_ms: int = 0
    counts: bool = False


def printed(text: str) -> Iterator[Printed]:
    """Every number of `text`, which is plain; digits that make none come as malformed."""
    for found in _NUMBER.finditer(text):
        if found["whole"] is None and found["part"] is None:
            continue
        yield _read(text, found)


def holds(figures: Sequence[float], number: Printed, interval_ms: int, minds: int) -> bool:
    """Whether the Brief's figures give the number."""
    if number.kind == "malformed":
        return False
    if number.kind == "ordinal":
        return number.size <= max(minds, 4)
    if number.counts:
        return number.size <= minds or any(_gives(each, number) for each in figures)
    if number.kind == "span":
        spans = number.size * number.span_ms
        return spans == interval_ms or any(_is_span(each, spans, interval_ms) for each in figures)
    return any(_gives(each, number) for each in figures)


def _read(text: str, found: re.Match[str]) -> Printed:
    start, end = found.span()
    whole, part, power = found["whole"] or "0", found["part"] or "", found["power"] or ""
    unit = (found["unit"] or "").strip(" -")
    before, after = text[start - 1 : start], text[end : end + 2]
    joined = before.isalnum() or before in {"_", "."} or (before == "," and text[start - 2 : start - 1].isdigit())
    digits = len(whole) + len(part) + len(power)
    if joined or _runs_on(after) or digits > _MOST_DIGITS:
        return Printed(found.group(), start, end, 0.0, 0.0, 0, "malformed")
    scale = _SCALES.get(unit, 1.0) * 10.0 ** int(power[1:] or 0)
    size = float(whole.replace(",", "") + part) * scale
    step = 10.0 ** -max(len(part) - 1, 0) * scale
    sign = {"+": 1, "-": -1}.get(found["sign"] or "", 0)
    kind, span_ms = _kind(unit)
    whole_number = kind == "plain" and not part and not power and not sign and scale == 1.0
    counts = whole_number and _COUNTED.match(text, end) is not None
    return Printed(found.group(), start, end, size, step, sign, kind, span_ms, counts)


def _runs_on(after: str) -> bool:
    return after[:1].isalnum() or after[:1] == "_" or (after[:1] in {".", ",", "'", ":"} and after[1:].isdigit())


def _kind(unit: str) -> tuple[str, int]:
    if unit in {"%", "percent", "pct"}:
        return "percent", 0
    if unit in {"bps", "basis points"}:
        return "bps", 0
    if unit in {"st", "nd", "rd", "th"}:
        return "ordinal", 0
    if not unit or unit == "x" or unit in _SCALES:
        return "plain", 0
    if unit.startswith(("month", "year")):
        return "malformed", 0
    return "span", _SPANS[unit[0]]


def _gives(figure: float, number: Printed) -> bool:
    if number.sign and figure != 0.0 and (figure > 0.0) != (number.sign > 0):
        return False
    size = abs(figure)
    if number.kind == "percent":
        return _prints(size * 100.0, number) or _prints(size, number)
    if number.kind == "bps":
        return _prints(size * 10_000.0, number)
    return _prints(size, number)


def _prints(size: float, number: Printed) -> bool:
    slack = 1e-9 * max(size, 1e-9) + 1e-15
    off = size - number.size
    if number.kind == "plain" and number.step == 1.0 and number.size < 10.0:
        return abs(off) <= slack
    return abs(off) <= number.step / 2.0 + slack or 0.0 <= off < number.step - slack


def _is_span(figure: float, spans: float, interval_ms: int) -> bool:
    return figure == int(figure) and 0 < figure <= 100_000 and figure * interval_ms == spans
