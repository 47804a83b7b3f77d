"""A speaker of a debate: a question by the prompts, an answer through the guards, a Turn of bounded text."""

from collections.abc import Awaitable, Callable
from functools import partial

from fks_actors.llm import known, rules
from fks_actors.llm.guards import free_texts, guard
from fks_actors.llm.ports import Prompt
from fks_actors.llm.prompts import render, repair_prompt
from fks_actors.llm.reading import read
from fks_actors.llm.schemas import Answer, Case, Invalid, Judgement
from fks_actors.llm.texts import clipped, plain
from fks_actors.model.debates import Brief, CallOutcome, ModelCall, Role, Turn

MAX_TEXT = 400

Check = Callable[[str], Answer | Invalid]
Repair = Callable[[str, Invalid], Prompt]
Ask = Callable[[Prompt, Check, Repair], Awaitable[tuple[Answer | None, ModelCall]]]
"""Puts a question to the models: calls one, checks what it wrote, may send one repair prompt; never raises."""


async def speak(role: Role, brief: Brief, ask: Ask, critical_from: float = 0.5) -> Turn:
    """One speaker's turn. Its score is None where no usable answer came; the rules speak where `ask` ended at RULES.

    A bull's score is its strength, a bear's minus that. A judge's is what it said as far as it is sure of it:
    (1 - confidence) * the arithmetic score + confidence * its score.

    Args:
        critical_from: the complexity from which the question is of the CRITICAL tier.
    """
    prompt = render(role, brief, critical_from)
    answer, call = await ask(prompt, partial(check, role, brief), partial(repair_prompt, prompt))
    if answer is None and call.outcome is CallOutcome.RULES:
        return rules.turn(role, brief, call)
    score = None if answer is None else _score(role, brief, answer)
    if answer is None or score is None:
        return Turn(role, brief.round, None, "", (), call)
    return Turn(role, brief.round, score, said(answer), tuple(dict.fromkeys(answer.cites)), call)


def check(role: Role, brief: Brief, text: str) -> Answer | Invalid:
    """The answer in a model's text, read and guarded."""
    if role is Role.JUDGE:
        judgement = read(text, Judgement)
        return judgement if isinstance(judgement, Invalid) else guard(judgement, brief)
    case = read(text, Case)
    return case if isinstance(case, Invalid) else guard(case, brief)


def said(answer: Answer) -> str:
    """An answer's prose for readers: one line, at most `MAX_TEXT` printable characters."""
    return clipped(" ".join(plain(text) for text in free_texts(answer)), MAX_TEXT)


def _score(role: Role, brief: Brief, answer: Answer) -> float | None:
    if isinstance(answer, Judgement):
        return _moved(known.final(brief), answer) if role is Role.JUDGE else None
    return {Role.BULL: answer.strength, Role.BEAR: 0.0 - answer.strength}.get(role)


def _moved(before: float, judged: Judgement) -> float:
    """Between both, to the last bit: rounding must not say more than was said."""
    score = (1.0 - judged.confidence) * before + judged.confidence * judged.score
    return min(max(score, min(before, judged.score)), max(before, judged.score))
