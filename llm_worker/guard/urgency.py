"""Words of urgency against the level. Pure."""

from __future__ import annotations

import re
from typing import Final

from llm_worker.guard.answer import Answer
from scheduling.core.request import LEVEL_NAMES

_NAMES: Final = tuple(name.lower() for name in LEVEL_NAMES)
_ANY_NAME: Final = "|".join(sorted(_NAMES, key=len, reverse=True))
_MAY_WAIT: Final = re.compile(
    r"\b(?:(?:may|can) (?:safely )?wait|wait (?:in|for|until) (?:\w+ )?turn|non-?urgent|not urgent"
    r"|less urgent|no urgency|no (?:hurry|rush)|low(?:er)? priority|fast track"
    r"|primary care (?:fits|is enough|appointment)|routine (?:review|appointment|care))\b"
)
_RESUSCITATE: Final = re.compile(
    r"\b(?:resuscitation (?:area|room|bay)|crash team|full team|highest response)\b"
)
_AT_ONCE: Final = re.compile(
    r"\b(?:(?:see|seen|treat|treated|review|assess)\w* (?:\w+ ){0,2}(?:immediately|at once|now"
    r"|without delay)|immediate(?:ly)? (?:resuscitation|medical attention|review|treatment)"
    r"|life-threatening|top priority|highest priority)\b"
)
# `less urgent` also ends in `urgent`: the longest name is read.
_NAMED: Final = re.compile(
    rf"\b(?:priority|level|category|triaged?(?: as)?)(?: is| of|:)?\s+({_ANY_NAME})\b"
    rf"|^situation:[^.\n]*, ({_ANY_NAME})\."
)
_ON_CONDITION: Final = re.compile(r"\b(?:if|unless|should|in case|not|cannot|never|rule out)\b")
_SEES_SOON: Final = 2  # the last level that does not wait in turn


def contradicts_level(answer: Answer) -> bool:
    """Whether the text lets an urgent case wait, hurries one that may wait, or names another
    level than the brief."""
    level = answer.brief.priority
    if level is None:
        return False
    named = {"".join(found) for found in _NAMED.findall(answer.own)}
    if named - {_NAMES[level]}:
        return True
    wrong = [_MAY_WAIT] if level <= _SEES_SOON else [_RESUSCITATE, _AT_ONCE]
    if level == _SEES_SOON:
        wrong.append(_RESUSCITATE)
    return any(
        pattern.search(_without_name(sentence, level)) and not _ON_CONDITION.search(sentence)
        for sentence in answer.claims
        for pattern in wrong
    )


def _without_name(sentence: str, level: int) -> str:
    return sentence.replace(_NAMES[level], " ")
