"""The words for the complaint: what a note is about, or nothing where that is not sure. Pure but
for reading the weights.

A linear model of words, danger signs and complaint groups gives each name a probability: one
logistic regression per name (one against the rest). The likeliest name counts if it is likely
enough and can be of this patient. Otherwise the brief has no complaint, and the guidance keeps to
the words of the note.

Names are no features of the model of levels: they move no level.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from triage_site.triage.facts import CaseFacts, Consciousness, Sex
from triage_site.triage.model.complaints import Group
from triage_site.triage.model.scoring import WEIGHTS_DIR
from triage_site.triage.reading import reason
from triage_site.triage.reading.note import PRESENT, Mention, Note
from triage_site.triage.reading.words import ANTICOAGULANTS, ANTIPLATELETS
from triage_site.triage.signs.rules import Fired
from triage_site.triage.signs.tables import signs

REQUEST: Final = "paperwork or medicine request"
WEIGHTS_FILE: Final = WEIGHTS_DIR / "complaints.npz"
LEAST_PROBABLE_OF_SIGN: Final = 0.15  # of a name that a danger sign tells
LEAST_PROBABLE: Final = 0.5  # by cross-validation: docs/MODEL_CARD.md
_LEAST_LIKE: Final = 0.2
CHILD_YEARS: Final = 12.0
INFANT_YEARS: Final = 1.0
_MENARCHE_YEARS: Final = 9.0
_OF_CHILDREN: Final = {
    "fever": "fever or illness in a child",
    "breathlessness": "breathing trouble in a child",
}
_UNWELL_INFANT: Final = "unwell infant"
_ARREST: Final = "cardiac arrest"
# A crash or a fall from high: what it did is the complaint, whatever else is told.
_SERIOUS_INJURY: Final = "serious injury"
_OF_INJURY: Final = frozenset({"high_energy"})
_INJURIES: Final = frozenset(
    {
        "assault", "bleeding in the head", "burn", "fall", "head injury", "limb injury",
        "major bleeding", "road traffic collision", "serious injury", "spinal cord in danger",
        "stab or gunshot wound",
    }
)  # fmt: skip
# Without a word that asks for something nobody wants paper or a medicine.
_ASKS: Final = re.compile(
    r"\b(?:scripts?|prescri\w*|repeats?|refills?|renew\w*|medical|certif\w*|sick|notes?|letters?"
    r"|forms?|paper\w*|requests?\w*|wants?|wanting|needs?|needing|asks?|asking|asked|would like"
    r"|r[au]n out|running out|runs out|out of|lost|supply|referral\w*|results?|appointments?"
    r"|insurance|vaccin\w*|travel|collect\w*|top[- ]?up|here for|came for|due|advice|check\w*)\b",
    re.IGNORECASE,
)
_THINNERS: Final = frozenset((*ANTICOAGULANTS, *ANTIPLATELETS))
_OF_WOMEN: Final = frozenset({"pregnancy problem", "vaginal bleeding"})
_OF_MEN: Final = frozenset({"testicular pain"})
_AWAKE: Final = frozenset({Consciousness.ALERT, Consciousness.CONFUSED, Consciousness.VOICE})
_FIRST_WORDS: Final = 12
_SIGN, _GROUP = 1.5, 2.0  # what they count, where a word counts 1
_LEAST_OF_SIGN: Final = 0.5  # weight of a sign whose words tell of the name
_BEFORE_WORDS: Final = 100.0
_MOST_MORE: Final = 5  # words
_AGES: Final = (1.0, 12.0, 60.0)


@dataclass(frozen=True, slots=True)
class Complaint:
    """The words for the complaint, and the words of the note that told of it."""

    label: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """One feature of a note: its name, what it counts, and the words `first` to before `last`
    that tell it (none: the age)."""

    name: str
    value: float
    first: int = 0
    last: int = 0


def told(
    fired: Sequence[Fired],
    named: Sequence[tuple[Group, Mention]],
    facts: CaseFacts,
    note: Note,
) -> Iterator[Told]:
    """The features of a note. Words that are denied, past or of somebody else do not count."""
    yield from _words(note)
    for item in fired:
        told_by = [m for m in item.mentions if m.words.lower() not in _THINNERS] or item.mentions
        places = [(m.first, m.last) for m in told_by] or [(0, 0)]
        yield Told(f"s:{item.code}", _SIGN, *places[0])
    for group, mention in named:
        yield Told(f"g:{group.code}", _GROUP, mention.first, mention.last)
    if facts.age_years is not None:
        yield Told(f"age:{sum(facts.age_years >= age for age in _AGES)}", 1.0)


def _words(note: Note) -> Iterator[Told]:
    counts = [
        not word.is_mark and note.assertion(at, at + 1) in PRESENT
        for at, word in enumerate(note.words)
    ]
    for at, word in enumerate(note.words):
        if not counts[at]:
            continue
        yield Told(f"w:{word.stem}", 1.0, at, at + 1)
        if at < _FIRST_WORDS:
            yield Told(f"f:{word.stem}", 1.0, at, at + 1)
        if at + 1 < len(counts) and counts[at + 1]:
            yield Told(f"b:{word.stem} {note.words[at + 1].stem}", 1.0, at, at + 2)


@dataclass(frozen=True, slots=True)
class Names:
    """`weights` [features, names], `intercept` [names]; `rows` says which row a feature has."""

    labels: tuple[str, ...]
    rows: Mapping[str, int]
    weights: NDArray[np.float32]
    intercept: NDArray[np.float32]

    def probabilities(self, features: Sequence[Told]) -> NDArray[np.float64]:
        """Of each name; in all 1. A feature counts once."""
        known = {one.name: one.value for one in features if one.name in self.rows}
        at = [self.rows[name] for name in known]
        values = np.fromiter(known.values(), dtype=np.float32, count=len(known))
        chances = 1.0 / (1.0 + np.exp(-(values @ self.weights[at] + self.intercept)))
        shares: NDArray[np.float64] = chances / chances.sum()
        return shares

    def weight(self, feature: Told, label: int) -> float:
        row = self.rows.get(feature.name)
        return 0.0 if row is None else float(self.weights[row, label]) * feature.value


@cache
def names() -> Names:
    """The shipped ones. Raises FileNotFoundError where they are missing."""
    with np.load(WEIGHTS_FILE, allow_pickle=False) as arrays:
        features = arrays["features"].tobytes().decode().split("\n")
        return Names(
            labels=tuple(arrays["labels"].tobytes().decode().split("\n")),
            rows={name: row for row, name in enumerate(features)},
            weights=arrays["weights"].astype(np.float32),
            intercept=arrays["intercept"].astype(np.float32),
        )


def labels() -> frozenset[str]:
    """Every answer that `complaint` can give."""
    return frozenset(names().labels) | {_UNWELL_INFANT}


def complaint(
    fired: Sequence[Fired],
    named: Sequence[tuple[Group, Mention]],
    facts: CaseFacts,
    note: Note,
) -> Complaint:
    """What the note is about; an empty label where nothing is sure. `named` are the groups that
    are present."""
    features = [*told(fired, named, facts, note)]
    table = names()
    chances = _of_age(table, table.probabilities(features), facts.age_years)
    can_be = [at for at, label in enumerate(table.labels) if _can_be_of(label, facts)]
    if not _ASKS.search(note.text):
        can_be.remove(table.labels.index(REQUEST))
    if note.is_foreign and (of_signs := _of_signs(table, chances, can_be, fired, least=0.0)):
        return of_signs
    best = max(can_be, key=lambda at: float(chances[at]))
    injury = next((item for item in fired if item.code in _OF_INJURY), None)
    if injury is not None and table.labels[best] not in _INJURIES:
        return _of_injury(table, chances, injury)
    if chances[best] < LEAST_PROBABLE and (of_signs := _of_signs(table, chances, can_be, fired)):
        return of_signs
    if chances[best] < LEAST_PROBABLE or not table.labels[best]:
        is_infant = facts.age_years is not None and facts.age_years < INFANT_YEARS
        is_infant = is_infant and chances[best] < LEAST_PROBABLE
        return Complaint(
            _UNWELL_INFANT if is_infant else "", words_without_a_name(fired, named, note)
        )
    return Complaint(table.labels[best], _words_that_told(features, best, table, note))


def resembles_a_complaint(
    fired: Sequence[Fired],
    named: Sequence[tuple[Group, Mention]],
    facts: CaseFacts,
    note: Note,
) -> bool:
    """Whether some name is likelier than for words without sense: 4 of 100 random rows of
    everyday words reach `_LEAST_LIKE`."""
    table = names()
    chances = table.probabilities([*told(fired, named, facts, note)])
    return any(
        chance >= _LEAST_LIKE
        for label, chance in zip(table.labels, chances, strict=True)
        if label and _can_be_of(label, facts)
    )


def _of_signs(
    table: Names,
    chances: NDArray[np.float64],
    can_be: Sequence[int],
    fired: Sequence[Fired],
    least: float = LEAST_PROBABLE_OF_SIGN,
) -> Complaint | None:
    """The likeliest of the names that the danger signs tell, where it has the `least` chance."""
    chance_of = {table.labels[at]: float(chances[at]) for at in can_be}
    told = {sign.code: sign.complaint for sign in signs() if sign.complaint in chance_of}
    found = [(chance_of[told[one.code]], one) for one in fired if one.code in told]
    chance, item = max(found, key=lambda one: one[0], default=(0.0, None))
    if item is None or chance < least:
        return None
    return Complaint(told[item.code], (item.mentions[0].words,))


def _of_injury(table: Names, chances: NDArray[np.float64], injury: Fired) -> Complaint:
    """The likeliest name of an injury, where it is not unlikely."""
    chance_of = {table.labels[at]: float(chance) for at, chance in enumerate(chances)}
    best = max(_INJURIES, key=lambda label: chance_of[label])
    label = best if chance_of[best] >= LEAST_PROBABLE_OF_SIGN else _SERIOUS_INJURY
    return Complaint(label, (injury.mentions[0].words,))


def words_without_a_name(
    fired: Sequence[Fired], named: Sequence[tuple[Group, Mention]], note: Note
) -> tuple[str, ...]:
    """What the note calls its reason; else its gravest words, else the last that tell of a
    complaint, else those of the first sentence that may tell one."""
    if reason.reason(note):
        return reason.words_of_reason(note)
    grave = [mention for item in fired for mention in item.mentions][:1]
    others = [
        mention
        for group, mention in named
        if group.names_complaint and reason.may_tell(note, mention.first)
    ]
    told = grave or sorted(others, key=lambda one: one.first)[-1:]
    return (
        _unmistakable(note, told[0].first, told[0].last) if told else reason.words_of_reason(note)
    )


def _unmistakable(note: Note, first: int, last: int) -> tuple[str, ...]:
    """The words, with as many of those behind them as tell their place from an earlier one."""
    start = note.words[first].start
    for end in range(last, min(last + _MOST_MORE, len(note.words)) + 1):
        if note.text.find(note.quote(first, end)) == start:
            return (note.quote(first, end),)
    return (note.quote(first, last),)


def _of_age(
    table: Names, chances: NDArray[np.float64], age_years: float | None
) -> NDArray[np.float64]:
    """A name that only children or only adults have gets what the other one got."""
    if age_years is None:
        return chances
    chances = chances.copy()
    for of_adult, of_child in _OF_CHILDREN.items():
        pair = (of_child, of_adult) if age_years < CHILD_YEARS else (of_adult, of_child)
        kept, other = (table.labels.index(name) for name in pair)
        chances[kept] += chances[other]
        chances[other] = 0.0
    return chances


def _words_that_told(
    features: Sequence[Told], label: int, table: Names, note: Note
) -> tuple[str, ...]:
    """Those that spoke most for the name; those of a danger sign before others."""
    places: dict[tuple[int, int], float] = {}
    for one in features:
        if one.last:
            place = (one.first, one.last)
            weight = table.weight(one, label)
            is_grave = one.name.startswith("s:") and weight > _LEAST_OF_SIGN
            places[place] = places.get(place, 0.0) + weight + (_BEFORE_WORDS if is_grave else 0.0)
    best = max(places, key=lambda place: places[place], default=None)
    if best is None or places[best] <= 0:
        return ()
    return _unmistakable(note, *best)


def _can_be_of(label: str, facts: CaseFacts) -> bool:
    if label == _ARREST:  # it is over where somebody is awake
        return facts.consciousness not in _AWAKE
    if label in _OF_WOMEN:
        is_too_young = facts.age_years is not None and facts.age_years < _MENARCHE_YEARS
        return facts.sex is not Sex.MALE and not is_too_young
    return label not in _OF_MEN or facts.sex is not Sex.FEMALE
