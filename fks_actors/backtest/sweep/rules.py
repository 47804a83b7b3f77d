"""The rules that a sweep can try, as data: a name, its parameters, and which columns it compares.

    ema_cross   long while EMA(fast) is above EMA(slow)
    sma_cross   the same of simple averages
    sma         long while the close is above SMA(period)
    macd        long while the MACD line is above its signal line
    bollinger   long from a close under the lower band, mean - width x deviation, until one at the mean or above
    rsi         long from an RSI under `low` until one above `high`

Each decides at the close of a bar, from bar `warm` (0-based) on, and is out before.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import isfinite

from fks_actors.errors import ConfigError

Grid = Mapping[str, Sequence[float]]
"""The values to try, by parameter; every combination that the rule can use is a set."""

Values = tuple[float, ...]
"""One set: the rule's parameters in their order."""

Column = tuple[str, Values]
"""A feature and its parameters; each is computed once."""

MOST_BARS = 100_000
"""The longest period."""

MOST_SETS = 1_000_000
"""The largest grid."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number that a rule takes: whole bars, 1 to MOST_BARS, or any within `low` and `high`."""

    name: str
    whole: bool = True
    low: float = 1.0
    high: float = MOST_BARS

    def read(self, value: float) -> float:
        """The value, if the rule can take it.

        Raises:
            ConfigError: it is out of range.
        """
        wrong = not isfinite(value) or not self.low <= value <= self.high or (self.whole and value != int(value))
        if wrong:
            kind = "a whole number" if self.whole else "a number"
            raise ConfigError(f"{self.name} is {value:g}; it is {kind} from {self.low:g} to {self.high:g}")
        return float(value)


@dataclass(frozen=True, slots=True)
class Rule:
    """A way to trade.

    `columns` names the features of a set; `kernel` (in `wishes`) compares them, given also `levels`. `warm` is the
    first bar that counts; `fits` whether a set makes sense.
    """

    name: str
    parameters: tuple[Parameter, ...]
    columns: Callable[[Values], tuple[Column, ...]]
    kernel: str
    warm: Callable[[Values], int]
    levels: Callable[[Values], Values] = lambda _: ()
    fits: Callable[[Values], bool] = lambda _: True

    def sets(self, grid: Grid) -> Iterator[Values]:
        """Every set of the grid that makes sense, the last parameter varying fastest.

        Raises:
            ConfigError: a parameter is missing, unknown, without values or out of range, or the grid is too large.
        """
        names = [parameter.name for parameter in self.parameters]
        if unknown := [name for name in grid if name not in names]:
            raise ConfigError(f"{self.name} has no parameter {', '.join(unknown)}; it has {', '.join(names)}")
        if missing := [name for name in names if not len(grid.get(name, ()))]:
            raise ConfigError(f"{self.name} needs values for {', '.join(missing)}")
        axes = [list(dict.fromkeys(p.read(value) for value in grid[p.name])) for p in self.parameters]
        size = 1
        for axis in axes:
            size *= len(axis)
        if size > MOST_SETS:
            raise ConfigError(f"the grid has {size:,} sets; a sweep tries at most {MOST_SETS:,}")
        return (values for values in product(*axes) if self.fits(values))


def _pair(feature: str) -> Callable[[Values], tuple[Column, ...]]:
    return lambda v: ((feature, (v[0],)), (feature, (v[1],)))


_FAST, _SLOW, _PERIOD = Parameter("fast"), Parameter("slow"), Parameter("period")
_LEVELS = (Parameter("low", False, 0.0, 100.0), Parameter("high", False, 0.0, 100.0))

_ALL = (
    Rule("ema_cross", (_FAST, _SLOW), _pair("ema"), "above", lambda v: int(v[1]) - 1, fits=lambda v: v[0] < v[1]),
    Rule("sma_cross", (_FAST, _SLOW), _pair("sma"), "above", lambda v: int(v[1]) - 1, fits=lambda v: v[0] < v[1]),
    Rule("sma", (_PERIOD,), lambda v: (("close", ()), ("sma", v)), "above", lambda v: int(v[0]) - 1),
    Rule(
        "macd",
        (_FAST, _SLOW, Parameter("signal")),
        lambda v: (("macd", v[:2]), ("macd_signal", v)),
        "above",
        lambda v: int(v[1] + v[2]) - 2,
        fits=lambda v: v[0] < v[1],
    ),
    Rule(
        "bollinger",
        (_PERIOD, Parameter("width", False, 0.01, 100.0)),
        lambda v: (("close", ()), ("sma", v[:1]), ("deviation", v[:1])),
        "reverting",
        lambda v: int(v[0]) - 1,
        lambda v: v[1:],
    ),
    Rule(
        "rsi",
        (_PERIOD, *_LEVELS),
        lambda v: (("rsi", v[:1]),),
        "between",
        lambda v: int(v[0]),
        lambda v: v[1:],
        lambda v: v[1] < v[2],
    ),
)

RULES: Mapping[str, Rule] = {rule.name: rule for rule in _ALL}
"""Every rule, by name."""


def rule_named(name: str) -> Rule:
    """The rule of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in RULES:
        raise ConfigError(f"{name!r} is no rule of a sweep; there are {', '.join(RULES)}")
    return RULES[name]
