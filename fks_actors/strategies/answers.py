"""What a strategy's answer means: a target, a vote, nothing yet, or a fault that says what was given.

A target is the share of equity, 0..1, that is wanted in the symbol; True and False are 1 and 0. Beside other minds it
is heard as a vote: BUY with the target as confidence, or, of a target of 0, SELL with all confidence.
"""

import functools
from decimal import Decimal
from numbers import Real

import msgspec
import numpy as np

from fks_actors.model.candles import Candle
from fks_actors.model.votes import Abstain, AbstainReason, Action, Ballot, Vote
from fks_actors.strategies.port import Opinion

_SHOWN_CHARS = 80
_REASON_CHARS = 300


class Fault(msgspec.Struct, frozen=True, gc=False):
    """An answer that is none: why."""

    text: str


Judged = float | Opinion | Fault | None


def judged(said: object) -> Judged:
    """The answer, checked: a float within 0..1, an opinion that is one, None, or what is wrong with it."""
    if type(said) is float:
        target = said
    elif said is None or isinstance(said, Fault):
        return said
    elif isinstance(said, Opinion):
        return _opinion(said)
    elif isinstance(said, Real | Decimal | np.bool_):
        target = float(said)
    else:
        return Fault(f"answered {_shown(said)}; an answer is a number in 0..1, an Opinion or None")
    if 0.0 <= target <= 1.0:
        return target
    return Fault(f"answered {_shown(said)}; a target lies in 0..1")


def ballot(agent: str, candle: Candle, said: Judged) -> Ballot:
    """The ballot that comes of an answer to the bar."""
    symbol, ts_ms = candle.symbol, candle.ts_ms
    if type(said) is float:
        action, confidence = (Action.BUY, said) if said > 0.0 else (Action.SELL, 1.0)
        return Vote(agent, symbol, ts_ms, action, confidence, _wanted(said), (), said)
    if isinstance(said, Opinion):
        return Vote(agent, symbol, ts_ms, said.action, said.confidence, said.reason)
    if isinstance(said, Fault):
        return Abstain(agent, symbol, ts_ms, AbstainReason.FAILED, said.text)
    return Abstain(agent, symbol, ts_ms, AbstainReason.WARMING_UP, "no opinion yet")


def _opinion(given: Opinion) -> Judged:
    try:
        action, confidence = Action(given.action), float(given.confidence)
    except (ValueError, TypeError):
        return Fault(f"answered {_shown(given)}; an Opinion has an action and a confidence")
    if not 0.0 <= confidence <= 1.0:
        return Fault(f"answered {_shown(given)}; a confidence lies in 0..1")
    return Opinion(action, confidence, str(given.reason)[:_REASON_CHARS])


def _shown(said: object) -> str:
    try:
        text = repr(said)
    except Exception as error:  # noqa: BLE001 whatever a user's __repr__ raises
        text = f"a {type(said).__name__} ({type(error).__name__} in its __repr__)"
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}..."


@functools.lru_cache(256)
def _wanted(target: float) -> str:
    return f"wants {target:.2%} of equity"
