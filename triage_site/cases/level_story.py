"""Who set the level of a case, what the classifier said then, and what it says now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils import timezone

from triage_site.cases.levels import LEVELS
from triage_site.cases.models import Case, CaseEvent
from triage_site.triage.signs.rules import names_of

_K: Final = CaseEvent.Kind
_ANSWERS: Final = (_K.CLASSIFIED, _K.RAISED, _K.PROPOSED, _K.RECLASSIFIED)
_DECISIONS: Final = {_K.OVERRIDDEN: "Set to", _K.ACCEPTED: "Lowered to", _K.DISMISSED: "Kept at"}
_SETS: Final = (_K.CLASSIFIED, _K.CLASSIFIER_FAILED, _K.RAISED)
_MAX_SIGNS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelStory:
    """`by`: the person who decided last, "" where the classifier set the level. `then`: what the
    classifier said when that person decided. `now`: what it said last. `words` tell all of it,
    and are empty where level and classifier agree and nobody decided."""

    at: datetime | None = None
    by: str = ""
    then: int | None = None
    now: int | None = None
    words: str = ""

    @property
    def is_apart(self) -> bool:
        """Whether a person must be told that the classifier now says something else."""
        return bool(self.words) and self.now is not None


def level_story(case: Case) -> LevelStory:
    """Reads the history of the case."""
    if case.priority is None:
        return LevelStory()
    answer: int | None = None
    then: int | None = None
    setting: CaseEvent | None = None
    kinds = (*_ANSWERS, *_DECISIONS, *_SETS)
    for event in case.events.filter(kind__in=kinds).select_related("actor"):
        if event.kind in _ANSWERS:
            answer = event.data.get("to", event.data.get("priority", answer))
        if event.kind in _DECISIONS:
            setting, then = event, answer
        elif event.kind in _SETS:
            setting, then = event, None
    if setting is None:
        return LevelStory(now=answer)
    by = setting.actor.get_username() if setting.actor and setting.kind in _DECISIONS else ""
    decided = setting.kind in _DECISIONS
    words = _decided(case, setting, by, then, answer) if decided else _stays(case, setting, answer)
    return LevelStory(at=setting.at, by=by, then=then, now=answer, words=words)


def _decided(case: Case, setting: CaseEvent, by: str, then: int | None, now: int | None) -> str:
    what = f"{_DECISIONS[CaseEvent.Kind(setting.kind)]} {_level(case.priority)}"
    said = "had not answered" if then is None else f"said {_level(then)}"
    still = "" if now is None else " and still says so" if now == then else ""
    later = "" if now is None or now == then else f" It says {_level(now)} now."
    who = f" by {by}" if by else ""
    return f"{what}{who} at {_time(setting.at)}. The classifier {said} then{still}.{later}"


def _stays(case: Case, setting: CaseEvent, now: int | None) -> str:
    """Why an automatic level is more urgent than what the classifier says now."""
    if now is None or case.priority is None or now <= case.priority:
        return ""
    return (
        f"{_level(case.priority)} since {_time(setting.at)}, {_because(setting, case.priority)}. "
        f"The classifier says {_level(now)} now. A level falls only when a person decides so."
    )


def _because(setting: CaseEvent, priority: int) -> str:
    if setting.kind == _K.CLASSIFIER_FAILED:
        return "because the classifier did not answer then"
    names = names_of(setting.data.get("rules", ()), priority)
    return f"for {_joined(names)}" if names else "by words and vital signs of that time"


def _joined(names: Iterable[str]) -> str:
    shown = list(names)
    more = len(shown) - _MAX_SIGNS
    return ", ".join(shown[:_MAX_SIGNS]) + (f" and {more} more" if more > 0 else "")


def _level(priority: Any) -> str:
    return f"{priority} {LEVELS[priority].short}"


def _time(at: datetime) -> str:
    return f"{timezone.localtime(at):%H:%M}"
