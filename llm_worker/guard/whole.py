"""The check of a whole answer against the brief it was written from. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from llm_worker.guard.answer import Answer
from llm_worker.guard.directions import contradicts_directions
from llm_worker.guard.named import (
    contradicts_history,
    contradicts_patient,
    misplaces_number,
    misquotes,
    omits_danger_sign,
)
from llm_worker.guard.numbers import unsupported_numbers
from llm_worker.guard.units import has_wrong_unit
from llm_worker.guard.urgency import contradicts_level
from llm_worker.guard.wording import (
    has_loop,
    is_garbled,
    is_not_english,
    lacks_headings,
    repeats_instruction,
)
from scheduling.core.guidance import Withheld


def _has_wrong_number(answer: Answer) -> bool:
    return (
        bool(unsupported_numbers(answer.text, answer.brief_text))
        or has_wrong_unit(answer)
        or misplaces_number(answer)
    )


def _is_not_read(answer: Answer) -> bool:
    """What was written of words that nothing has read agrees with nothing."""
    return not answer.brief.is_read


CHECKS: Final[Mapping[Withheld, Callable[[Answer], bool]]] = {
    Withheld.LOOPING: has_loop,
    Withheld.NUMBER: _has_wrong_number,
    Withheld.GARBLED: is_garbled,
    Withheld.NOT_READ: _is_not_read,
    Withheld.INSTRUCTION: repeats_instruction,
    Withheld.HEADINGS: lacks_headings,
    Withheld.LANGUAGE: is_not_english,
    Withheld.QUOTATION: misquotes,
    Withheld.URGENCY: contradicts_level,
    Withheld.DIRECTION: contradicts_directions,
    Withheld.DANGER_SIGN: omits_danger_sign,
    Withheld.PATIENT: contradicts_patient,
    Withheld.HISTORY: contradicts_history,
}


def faults_of(text: str, brief: str) -> list[Withheld]:
    """All reasons to withhold `text`, in the order of `Withheld`."""
    answer = Answer(text, brief)
    return [reason for reason in Withheld if CHECKS[reason](answer)]


def fault_of(text: str, brief: str) -> Withheld | None:
    """The first reason to withhold `text`, or None."""
    answer = Answer(text, brief)
    return next((reason for reason in Withheld if CHECKS[reason](answer)), None)
