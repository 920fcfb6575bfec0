"""Why the model thinks so: what complaints, readings and words moved, in levels. Pure.

Each thing is taken away in turn, with the signs that fired on it, and the expected level asked
again; the difference is its weight (positive: it made the case more urgent). All variants go
through the model as one batch. What a sign already says is not told twice, and a grave case has
no reasons for a milder level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from triage_site.triage.model.encoder import PRIOR
from triage_site.triage.model.features import (
    DIRECTIONS,
    FEATURES,
    WAYS_OF_ARRIVAL,
    CaseView,
    net_signs,
    words_numbers,
)
from triage_site.triage.model.scoring import Floats, Model, share_of_visits
from triage_site.triage.reading.note import Assertion, Note, Statement, is_told
from triage_site.triage.signs.rules import Fired
from triage_site.triage.types import NUM_PRIORITIES, Reason

PHRASE: Final = "phrase"  # code of the reason that quotes the wording
_DENIED: Final = "denied"
_LEAST_WEIGHT: Final = 0.08
_LEAST_FALL: Final = 0.5  # log odds
_MAX_REASONS: Final = 8
_MAX_QUOTED: Final = 4  # quotes among them
_MAX_WORDS: Final = 5  # of a quote
_CERTAIN: Final = 1  # from this priority on nothing mild is told
_COLUMN: Final = {name: index for index, name in enumerate(FEATURES)}
# Group shown to people -> features it stands for.
_VITAL_GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "heart rate": ("heart_fast", "heart_slow", "shock_index"),
    "breathing rate": ("breath_fast", "breath_slow"),
    "temperature": ("temperature_high", "temperature_low"),
    "oxygen saturation": ("saturation_low",),
    "blood pressure": ("systolic_low", "systolic_high", "diastolic_high"),
    "early warning score": ("news2",),
    "a vital sign that could not be measured": ("unmeasurable",),
    "pain": ("pain", "pain_strong"),
    "consciousness": ("not_alert", "coma", "unresponsive"),
    "blood sugar": ("glucose_far",),
    "vital signs in the usual range": ("figures_normal",),
    "vital signs out of the usual range": ("figures_abnormal",),
}
_CIRCUMSTANCE_GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "age": ("age", "age_over_65", "age_under_30"),
    "way of arrival": WAYS_OF_ARRIVAL,
    "injury": ("injury",),
}


# At the ends of a quotation they tell nothing.
_LINKS: Final = frozenset(
    {
        "a", "an", "and", "as", "at", "because", "but", "for", "from", "has", "he", "her", "his",
        "in", "is", "it", "of", "on", "or", "she", "so", "that", "the", "they", "to", "was", "with",
        ".", ",", ";", ":", "-", "(", ")", "/",
    }
)  # fmt: skip
# A statement of nothing else names no danger.
_SMALL: Final = _LINKS | {
    "again", "also", "here", "just", "now", "since", "still", "then", "there", "today", "very",
}  # fmt: skip


def expected_level(probabilities: Floats) -> Floats:
    return probabilities @ np.arange(1.0, NUM_PRIORITIES + 1.0)


def model_reasons(
    view: CaseView, note: Note, fired: Sequence[Fired], priority: int, model: Model
) -> tuple[Reason, ...]:
    """The strongest first; things that moved the expected level by almost nothing are left out."""
    row = np.array(view.row())
    without = [
        *_without_complaints(view, row, fired),
        *_without_groups(row, fired),
        *_without_words(view, note, row),
    ]
    rows = np.vstack([row, *(other for _, other in without)])
    shares = np.tile(share_of_visits(view), (len(rows), 1))
    levels = expected_level(model.chances(rows, shares))
    reasons = [
        replace(reason, weight=round(float(level - levels[0]), 2), source="model")
        for (reason, _), level in zip(without, levels[1:], strict=True)
    ]
    return _strongest([reason for reason in reasons if _fits(reason, priority, fired)])


def _fits(reason: Reason, priority: int, fired: Sequence[Fired]) -> bool:
    weight = reason.weight or 0.0
    if abs(weight) < _LEAST_WEIGHT or (weight < 0 and priority <= _CERTAIN):
        return False
    said = {words.lower() for item in fired for words in item.words}
    return not reason.words or not all(_inside(words.lower(), said) for words in reason.words)


def _inside(words: str, said: set[str]) -> bool:
    return any(words in one or one in words for one in said)


def _strongest(reasons: list[Reason]) -> tuple[Reason, ...]:
    ranked = sorted(reasons, key=lambda reason: -abs(reason.weight or 0.0))
    quoted = [reason for reason in ranked if reason.code == PHRASE][_MAX_QUOTED:]
    return tuple([reason for reason in ranked if reason not in quoted][:_MAX_REASONS])


def _without_words(view: CaseView, note: Note, row: Floats) -> list[tuple[Reason, Floats]]:
    """Each statement that the encoder read, as if it had no weight there."""
    out = []
    for said in note.statements:
        if not view.encoded.shares[said.first : said.last].any():
            continue
        variant = row.copy()
        for name, odds in words_numbers(view.encoded.without(said.first, said.last)).items():
            variant[_COLUMN[name]] = odds
        words = _strongest_words(said, note, view.encoded.shares.sum(axis=1))
        text = _DENIED if _is_only_denied(said, note) else "the words"
        out.append((Reason(kind="word", code=PHRASE, text=text, words=(words,)), variant))
    return out


def _is_only_denied(said: Statement, note: Note) -> bool:
    """Whether what denies a statement is none of its words: an empty box, the head of a list."""
    places = range(said.first, said.last)
    told = [at for at in places if is_told(note.words[at]) and _is_written(note, at)]
    return bool(told) and all(note.assertion(at, at + 1) is Assertion.DENIED for at in told)


def _is_written(note: Note, at: int) -> bool:
    """Not so the "no" of an empty box."""
    return note.text[note.words[at].start].isalnum()


def _strongest_words(said: Statement, note: Note, weights: Floats) -> str:
    """The few words beside each other that weigh most; `weights` [words of the note]."""
    begin = said.first
    if said.last - said.first > _MAX_WORDS:
        sums = np.convolve(weights[said.first : said.last], np.ones(_MAX_WORDS), mode="valid")
        begin += int(sums.argmax())
    end = min(begin + _MAX_WORDS, said.last)
    told = [at for at in range(begin, end) if _is_written(note, at)]
    told = [at for at in told if note.words[at].form not in _LINKS]
    return note.quote(told[0], told[-1] + 1) if told else note.quote(begin, end)


def gravest_words(view: CaseView, note: Note, boundary: int) -> str:
    """A few words of the statement without which P(priority <= boundary) would fall most; none
    where the words alone do not make it likely, or none of them makes it fall by `_LEAST_FALL`."""
    whole = float(view.encoded.at_most[boundary])
    if whole < 0:
        return ""
    telling = [
        said
        for said in note.statements
        if any(word.form not in _SMALL for word in note.words[said.first : said.last])
    ]
    falls = [
        whole - float(view.encoded.without(said.first, said.last)[boundary]) for said in telling
    ]
    if max(falls, default=0.0) < _LEAST_FALL:
        return ""
    weights = view.encoded.parts[:, boundary] - view.encoded.shares[:, boundary] * PRIOR[boundary]
    return _strongest_words(telling[falls.index(max(falls))], note, weights)


def _without_complaints(
    view: CaseView, row: Floats, fired: Sequence[Fired]
) -> list[tuple[Reason, Floats]]:
    out = []
    for code, words in view.concepts.items():
        variant = row.copy()
        if code in _COLUMN:
            variant[_COLUMN[code]] = 0.0
        others = [item for item in fired if not _share_words(item.words, words)]
        for name, value in view.without(code, others).items():
            variant[_COLUMN[name]] = value
        reason = Reason(kind="word", code=f"word:{code}", text=code.replace("_", " "), words=words)
        out.append((reason, variant))
    return out


def _share_words(left: Sequence[str], right: Sequence[str]) -> bool:
    return any(a in b or b in a for a in left for b in right)


def _without_groups(row: Floats, fired: Sequence[Fired]) -> list[tuple[Reason, Floats]]:
    out = []
    by_words = net_signs([item for item in fired if item.mentions])
    for kind, groups in (("vital", _VITAL_GROUPS), ("model", _CIRCUMSTANCE_GROUPS)):
        for text, names in groups.items():
            columns = [_COLUMN[name] for name in names]
            if not row[columns].any():
                continue
            variant = row.copy()
            variant[columns] = 0.0
            if kind == "vital" and any(DIRECTIONS[name] >= 0 for name in names):
                variant[[_COLUMN[name] for name in by_words]] = list(by_words.values())
            reason = Reason(kind=kind, code=f"{kind}:{text.replace(' ', '-')}", text=text)  # type: ignore[arg-type]
            out.append((reason, variant))
    return out
