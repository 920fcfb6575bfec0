"""What the classifier says about a case, as frozen values. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

NUM_PRIORITIES: Final = 5
MOST_URGENT: Final = 0
LEAST_URGENT: Final = 4

# Code of the reasons that say what form and note say differently.
CONTRADICTION: Final = "contradiction"
# Why a person should decide: code -> words for people.
PERSON_REASONS: Final = {
    "not_understood": "the text was not understood",
    "partly_not_understood": "a part of the text was not understood",
    "several_patients": "the note may tell of more than one patient",
    "nothing_recognised": "no complaint was recognised",
    CONTRADICTION: "words and figures disagree",
    "unsure": "several levels are about as likely",
    "rules_against_model": "a danger sign and the statistics are far apart",
    "no_model": "rules alone judged this case",
}

# Of these, the ones after which nothing that was said of the case can be relied on.
NOT_UNDERSTOOD: Final = frozenset({"not_understood", CONTRADICTION})

# Code of the reason that lists words of danger that were not counted.
NOT_OF_NOW: Final = "not_of_now"
ReasonKind = Literal["rule", "word", "vital", "model"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One thing that counted.

    `words` are exact substrings of the case's text. `weight` is the number of levels by which
    the model moved on account of it (positive is more urgent), None for a rule, which has
    `min_priority` instead: the least urgent priority the rule allows. Words of danger that were
    not counted have neither.
    """

    kind: ReasonKind
    code: str
    text: str
    words: tuple[str, ...] = ()
    weight: float | None = None
    min_priority: int | None = None
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class News2:
    """The score of what was measured. Not `complete`: the true score is at least `score`."""

    score: int
    complete: bool
    missing: tuple[str, ...]
    single_three: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """A suggestion of priority with everything a person needs to doubt it.

    `priority` is what the queue uses: the model's decision, made more urgent by rules where
    they demand it. `model_priority` is the model's single most likely level, before costs and
    rules. `probabilities` run from priority 0 to 4 and sum to one. `level_set` are the
    priorities that together hold the right one nine times in ten. `complaint` names what the
    words are about, where that is known, and `complaint_words` are the exact words that told of it.
    `person_reasons` are the codes (`PERSON_REASONS`) of why a
    person should decide.
    """

    priority: int
    model_priority: int
    probabilities: tuple[float, float, float, float, float]
    confidence: float
    level_set: tuple[int, ...]
    needs_person: bool
    reasons: tuple[Reason, ...]
    danger_signs: tuple[str, ...]
    rules_version: str
    model_version: str
    news2: News2 | None
    complaint: str | None = None
    complaint_words: tuple[str, ...] = ()
    person_reasons: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return _plain(asdict(self))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
