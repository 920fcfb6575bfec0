"""What a note is about: the groups of `complaints.toml`, found where they are present. Pure.

The groups are features of the model; their labels name the presenting complaint for people and
for the brief of the language model. A sign that fired names it better than a group.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from triage_site.triage.history.names import SINGLE_NAMES
from triage_site.triage.reading.note import Assertion, Mention, Note
from triage_site.triage.reading.terms import TermIndex, joined
from triage_site.triage.signs.tables import signs

_TABLE: Final[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "complaints.toml").read_text(encoding="utf-8")
)
_BOUND_LEVEL: Final = 3.4
CHILD_YEARS: Final = 12.0
INFANT_YEARS: Final = 1.0
# How strong, how long or how well somebody is names no complaint.
_QUALIFIERS: Final = frozenset(_TABLE["qualifiers"])
_OF_CHILDREN: Final = {
    "fever": "fever or illness in a child",
    "breathlessness": "breathing trouble in a child",
}
_UNWELL_INFANT: Final = "unwell infant"


@dataclass(frozen=True, slots=True)
class Group:
    """`level` (1 to 5) is where an adult with normal vital signs starts."""

    code: str
    level: float
    label: str

    @property
    def bound(self) -> bool:
        """Whether danger signs belong to it: then it may never speak against urgency."""
        return self.level <= _BOUND_LEVEL

    @property
    def names_complaint(self) -> bool:
        return self.code not in _QUALIFIERS


GROUPS: Final = tuple(
    Group(row["code"], row["level"], row.get("label", "")) for row in _TABLE["group"]
)
_OWNERS: Final = tuple(
    (term, number) for number, row in enumerate(_TABLE["group"]) for term in joined(row["terms"])
)
_LABELS: Final = {group.code: group.label for group in GROUPS if group.label}
_LEVELS: Final = {group.code: group.level for group in GROUPS}


@cache
def _index() -> TermIndex:
    groups = _TABLE["groups"] | {"medicine": SINGLE_NAMES}
    return TermIndex([term for term, _ in _OWNERS], groups)


# Groups that say something of a patient in danger.
DANGEROUS: Final = frozenset(group.code for group in GROUPS if group.bound)


def find_groups(note: Note) -> Iterator[tuple[Group, Mention]]:
    for term, mention in note.find(_index()):
        yield GROUPS[_OWNERS[term][1]], mention


def is_denied(mention: Mention) -> bool:
    return mention.assertion is Assertion.DENIED


@dataclass(frozen=True, slots=True)
class Complaint:
    """The words for the complaint, and the words of the note that told of it."""

    label: str
    words: tuple[str, ...] = ()


def complaint(
    told: Iterable[Complaint], groups: Mapping[str, tuple[str, ...]], age_years: float | None
) -> Complaint | None:
    """What the note is about, None when nothing was found that names it.

    `told` are those of signs that fired, the best first; `groups` are the codes that were found
    with their words, in any order. A sign says it better than a group.
    """
    named = sorted(
        _own_words(groups),
        key=lambda code: (_comes_along(code, groups), _LEVELS[code], code),
    )
    skin = tuple(filter(_SKIN_INFECTION.search, groups.get("swelling", ())))
    if skin and all(_comes_along(code, groups) for code in named):
        named, told = [], [*told, Complaint(_ABSCESS, skin)]
    found = [*told, *(Complaint(_LABELS[code], groups[code]) for code in named)]
    if not found:
        return (
            Complaint(_UNWELL_INFANT)
            if age_years is not None and age_years < INFANT_YEARS
            else None
        )
    low_sugar = next((one for one in found if one.label == _LOW_SUGAR), None)
    first = low_sugar if low_sugar and found[0].label == _HIGH_SUGAR else found[0]
    label = _refined(first, [w for one in found if one.label == first.label for w in one.words])
    if label == _BREATHLESS and any(map(_ASTHMA.search, groups.get("breathless", ()))):
        label = "asthma or wheeze"
    if age_years is not None and age_years < CHILD_YEARS:
        label = _OF_CHILDREN.get(label, label)
    return Complaint(label, first.words)


def _own_words(groups: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Groups with a label that say more than a part of what another one says: "fit note"
    is no fit, and "suture removal" no wound."""
    for code, words in groups.items():
        if code == "admin" and words and all(map(_MEDICINE_LIST.match, words)):
            continue
        removal = any(map(_REMOVAL.search, groups.get("admin", ())))
        if removal and code in _WOUNDS and all(map(_BARE_WOUND.match, words)):
            continue
        others = [
            word.lower() for other in groups if other in _LABELS and other != code
            for word in groups[other]
        ]  # fmt: skip
        inside = all(any(word.lower() in o and word.lower() != o for o in others) for word in words)
        if code in _LABELS and not (words and inside):
            yield code


def _comes_along(code: str, groups: Mapping[str, tuple[str, ...]]) -> bool:
    """Worry comes with any complaint, "diabetic" is history beside one, and fever comes with
    what is infected."""
    words = groups[code]
    if code == "fever":
        wounds = (*groups.get("open_wound", ()), *groups.get("swelling", ()))
        return any(_BITE.search(word) or _SKIN_INFECTION.search(word) for word in wounds)
    pattern = {"psych": _WORRY, "sugar": _HISTORY_OF_SUGAR}.get(code)
    return pattern is not None and bool(words) and all(map(pattern.match, words))


def _refined(found: Complaint, of_label: Sequence[str]) -> str:
    """The label that the words themselves allow, and all words that have the same label."""
    for label, pattern, instead in _BY_WORDS:
        if label == found.label and found.words and all(map(pattern.search, found.words)):
            return instead
    for label, pattern, instead in _BY_ONE_WORD:
        if label == found.label and any(map(pattern.search, of_label)):
            return instead
    return found.label


_WOUNDS: Final = frozenset({"open_wound", "needs_stitches"})
_REMOVAL: Final = re.compile(r"sutur|stitch|staple|clips|dressing", re.I)
_BARE_WOUND: Final = re.compile(r"(?:wounds?|sutur\w*|stitch\w*|staples?)$", re.I)
_ABSCESS: Final = "abscess or skin infection"
_LOW_SUGAR: Final = "low blood sugar"
_HIGH_SUGAR: Final = "high blood sugar"
# What many causes lead to: a sign that names the cause says it better.
STATES: Final = frozenset(
    {"reduced consciousness", "new confusion", "choking or airway trouble", "possible sepsis",
     "headache", "fainting", "throat infection with a narrow airway"}
)  # fmt: skip
# How somebody was injured says more than what hurts.
_SERIOUS: Final = "serious injury"
MECHANISMS: Final = frozenset({_SERIOUS, "stab or gunshot wound"})
WHAT_HURTS: Final = frozenset({"abdominal pain", "back pain", "chest pain", "limb injury"})
_BREATHLESS: Final = "breathlessness"
_ASTHMA: Final = re.compile(r"asthma", re.I)
_WORRY: Final = re.compile(r"worr|anxi|nervous|concern", re.I)
_MEDICINE_LIST: Final = re.compile(r"med(?:s|ications?|icines?)?\b", re.I)
# Label, what each of the words must be, and the label that is true then.
_BY_WORDS: Final = (
    ("limb injury", re.compile(r"^(?:fall\w*|fell)\b(?! on)", re.I), "fall"),
    ("head injury",
     re.compile(r"^(?!.*(?:head|skull|scalp|brain|face|concus|knock|occip|temple))", re.I | re.S),
     "fall"),
    ("overdose or poisoning", re.compile(r"batter|magnet", re.I), "foreign body"),
    (_SERIOUS, re.compile(r"^(?:fall\w*|fell|jump\w*|came off)\b(?!.*bike|.*cycle)", re.I), "fall"),
    ("abdominal pain", re.compile(r"^(?:jaundic|icter|yellow|hyperbili|elevated bili)", re.I),
     "jaundice"),
    ("assault",
     re.compile(r"\b(?:mv[acit]|rt[acib]|crash|collision|accident|rear|t-bone|airbag)|into", re.I),
     "road traffic collision"),
    ("burn", re.compile(r"^blister\w*$", re.I), "skin rash"),
    ("foreign body", re.compile(r"splinter|thorn|hook", re.I), "cut or wound"),
    ("agitation or psychosis", re.compile(r"worr|anxi|nervous|concern|panic", re.I),
     "anxiety or panic"),
    (_HIGH_SUGAR, re.compile(r"hypo|\blow", re.I), _LOW_SUGAR),
    (_HIGH_SUGAR,
     re.compile(r"^(?!.*(?:hyper|high|\bhi\b|hhs|keto|dka|raised|elevated))", re.I | re.S),
     "blood sugar problem"),
)  # fmt: skip


_VEHICLE: Final = re.compile(
    r"\b(?:mv[acit]|rt[acib]|cars?|vans?|bus|lorry|truck|tram|train|vehicle|motor\w*|moped|scooter"
    r"|e-?bikes?|bikes?|bicycle|cyclist|pedestrian|ped|driver|passenger|mph|kph|collision|crash\w*"
    r"|windscreen|windshield|steering|rollover|roll(?:ed)? over|overturned|eject\w*|traffic)\b",
    re.I,
)
_BITE: Final = re.compile(r"\bbit(?:e|es|ten)?\b(?!.*(?:lip|tongue|cheek))", re.I)
# Label, what one of the words is, and the label that says it better.
_BY_ONE_WORD: Final = (
    (_SERIOUS, _VEHICLE, "road traffic collision"),
    ("paperwork or medicine request", re.compile(r"\bticks?\b", re.I), "bite or sting"),
    ("cut or wound", _BITE, "bite or sting"),
    ("abscess or skin infection", _BITE, "bite or sting"),
    ("foreign body", re.compile(r"\bticks?\b", re.I), "bite or sting"),
    ("major bleeding", re.compile(r"ha?emat?emesis|vomit|coffee", re.I), "vomiting blood"),
    ("major bleeding", re.compile(r"mala?ena|mela?ena|stool|rect|\bpr\b", re.I),
     "rectal bleeding or black stool"),
    ("major bleeding", re.compile(r"ha?emoptys|cough", re.I), "coughing blood"),
    ("major bleeding", re.compile(r"epista|nose", re.I), "nosebleed"),
)  # fmt: skip
_SKIN_INFECTION: Final = re.compile(
    r"abscess|boil|celluliti|carbuncle|furunc|\bpus\b|paronych|whitlow|felon|erysipel|infect", re.I
)
_HISTORY_OF_SUGAR: Final = re.compile(r"diabetic$", re.I)


def labels() -> frozenset[str]:
    """Every answer that `complaint` can give."""
    told = {sign.complaint for sign in signs() if sign.complaint}
    refined = {instead for _, _, instead in (*_BY_WORDS, *_BY_ONE_WORD)} | {_ABSCESS}
    fixed = refined | {_UNWELL_INFANT, "asthma or wheeze", *_OF_CHILDREN.values()}
    return frozenset(_LABELS.values()) | fixed | told
