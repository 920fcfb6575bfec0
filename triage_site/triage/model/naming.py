"""The words for the complaint: what a note is about, or nothing where that is not sure. Pure.

Danger signs that fired and complaint groups are evidence, each with a name (`names.toml`). The
best evidence names the complaint: what is sure before what comes along with any complaint, what
the patient has before what is told of relatives, of the past or besides (`reason`), grave signs
before others, causes before states, and of equals what the note tells first. Words that are known
to mislead by themselves name nothing: then the brief has no complaint, and the guidance keeps to
the words of the note.

Names are no features of the model: they move no level.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Any, Final

from triage_site.triage.facts import CaseFacts, Consciousness, Sex
from triage_site.triage.history.names import SINGLE_NAMES
from triage_site.triage.model.complaints import GROUPS, Group
from triage_site.triage.reading import reason
from triage_site.triage.reading.context import is_about_relative, is_of_earlier_visit
from triage_site.triage.reading.measured import Measured
from triage_site.triage.reading.note import Mention, Note
from triage_site.triage.reading.terms import TermIndex, joined
from triage_site.triage.signs.rules import Fired
from triage_site.triage.signs.tables import signs

_TABLE: Final[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "names.toml").read_text(encoding="utf-8")
)
CHILD_YEARS: Final = 12.0
INFANT_YEARS: Final = 1.0
_OF_CHILDREN: Final = {
    "fever": "fever or illness in a child",
    "breathlessness": "breathing trouble in a child",
}
_UNWELL_INFANT: Final = "unwell infant"
_ARREST: Final = "cardiac arrest"
_FALL: Final = "fall"  # of several causes the least: why somebody fell says more
REQUEST: Final = "paperwork or medicine request"
# The first is said more exactly by the second, wherever the note has it.
_MORE_EXACT: Final = {
    "breathlessness": "asthma or wheeze",
    "high blood sugar": "low blood sugar",
    "blood sugar problem": "low blood sugar",
    "itch or scabies": "skin rash",
}
_FIRST: Final = frozenset(_TABLE["first"])
_STATES: Final = {state: at for at, state in enumerate(_TABLE["states"])}
_VAGUE: Final = frozenset(_TABLE["vague"])
_CAUSES: Final = frozenset(_TABLE["causes"])
_EFFECTS: Final = frozenset(_TABLE["effects"])
_BY_FIGURE: Final = frozenset(_TABLE["by_figure"])
_COMPANIONS: Final = frozenset(_TABLE["companions"])
_OF_WOMEN: Final = frozenset(_TABLE["of_women"]["names"])
_OF_MEN: Final = frozenset(_TABLE["of_men"]["names"])
_MENARCHE_YEARS: Final[float] = _TABLE["of_women"]["from_years"]
_BY_RULE: Final[Mapping[str, str]] = _TABLE["by_rule"]
ONLY_NAMED: Final = frozenset(_TABLE["only_named"])
_MEDICINES: Final = frozenset(name.lower() for name in SINGLE_NAMES)
_AWAKE: Final = frozenset({Consciousness.ALERT, Consciousness.CONFUSED, Consciousness.VOICE})
_PULSE: Final = re.compile(r"(?:tachy|brady)cardi\w+$", re.IGNORECASE)


class Tier(IntEnum):
    """What names the complaint before what."""

    GRAVE = 0  # a sign of level 0 or 1
    SIGN = 1
    GROUP = 2
    REQUEST = 3
    COMPANION = 4
    NOTHING = 5  # words that mislead by themselves


@dataclass(frozen=True, slots=True)
class Complaint:
    """The words for the complaint, and the words of the note that told of it."""

    label: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Evidence:
    """`place`: of the first word in the note. `order`: of equals the least comes first."""

    label: str
    tier: Tier
    words: tuple[str, ...]
    place: int
    group: str = ""
    order: int = 0
    is_context: bool = False
    instead_of: frozenset[str] = frozenset()  # of signs and groups of the same sentence


@dataclass(frozen=True, slots=True)
class _Wording:
    """Words of `of` that ask for another name, or for none."""

    of: str
    words: re.Pattern[str]
    name: str
    tier: Tier | None


def _wordings() -> Iterator[_Wording]:
    for row in _TABLE["wording"]:
        told = [row["words"]] if isinstance(row["words"], str) else row["words"]
        is_companion = row.get("companion", False)
        name = row.get("name", row["of"])
        tier = Tier.COMPANION if is_companion else None if "name" in row else Tier.NOTHING
        yield _Wording(row["of"], re.compile("|".join(told), re.IGNORECASE), name, tier)


_WORDINGS: Final = tuple(_wordings())
_TOLD: Final = tuple((term, row) for row in _TABLE["told"] for term in joined(row["terms"]))


@cache
def _told_index() -> TermIndex:
    groups = _TABLE["told_groups"] | {"medicine": SINGLE_NAMES}
    return TermIndex([term for term, _ in _TOLD], groups)


def complaint(
    fired: Sequence[Fired],
    named: Sequence[tuple[Group, Mention]],
    measured: Measured,
    note: Note,
) -> Complaint:
    """What the note is about; an empty label where nothing is sure. `named` are the groups that
    are present."""
    facts = measured.facts
    told = list(_of_names(note))
    other = [*_of_signs(fired, note), *_of_groups(named, note)]
    evidence = _of_the_reason([*told, *_not_said_better(other, told, note)], note)
    if "hr_bpm" in measured.contradicted:
        evidence = [one for one in evidence if not _tells_only_pulse(one)]
    evidence = [one for one in evidence if _can_be_of(one.label, facts)]
    evidence, over = _without_arrest(evidence, facts)
    found = _best(_with_leading_request(evidence, note))
    if found is None:
        infant = facts.age_years is not None and facts.age_years < INFANT_YEARS
        return Complaint(_UNWELL_INFANT if infant else "", reason.words_of_reason(note))
    label = found.label
    if facts.age_years is not None and facts.age_years < CHILD_YEARS:
        label = _OF_CHILDREN.get(label, label)
    # What is over stays what the note is about.
    return Complaint(label, over or found.words)


def labels() -> frozenset[str]:
    """Every answer that `complaint` can give."""
    told = {sign.complaint for sign in signs() if sign.complaint}
    of_groups = {group.label for group in GROUPS if group.label}
    by_words = {row.name for row in _WORDINGS} | set(_BY_RULE.values())
    by_words |= {row["name"] for row in _TABLE["told"]}
    of_age = {_UNWELL_INFANT, *_OF_CHILDREN.values(), *_MORE_EXACT.values()}
    return frozenset(told | of_groups | by_words | of_age)


def _best(evidence: Sequence[_Evidence]) -> _Evidence | None:
    caused = {one.tier for one in evidence if one.label in _CAUSES}
    best = min(evidence, key=lambda one: _rank(one, caused), default=None)
    if best is None or best.is_context or best.tier is Tier.NOTHING:
        return None
    exact = _MORE_EXACT.get(best.label)
    return next((one for one in evidence if one.label == exact), best)


def _rank(one: _Evidence, caused: Container[Tier]) -> tuple[int, ...]:
    """The least names the complaint. `caused`: the tiers in which a cause is known."""
    is_first = one.label in _FIRST and one.tier is Tier.GRAVE and one.order == 0
    is_state = one.label in (_VAGUE if one.tier is Tier.GROUP else _STATES)
    is_effect = one.label in _EFFECTS and one.tier in caused
    vague = 3 if is_state else 2 if is_effect else int(one.label == _FALL)
    state = _STATES.get(one.label, 0) if is_state else 0
    return (one.is_context, one.tier, not is_first, vague, one.order, state, one.place)


def _of_signs(fired: Sequence[Fired], note: Note) -> Iterator[_Evidence]:
    for item in fired:
        label = item.complaint or _BY_RULE.get(item.shows, "")
        if not label:
            continue
        alike = [one for one in fired if one.complaint == label]
        told = " / ".join(word for one in alike for word in one.words)
        tier = Tier.GRAVE if item.min_priority <= 1 else Tier.SIGN
        place = min((mention.first for mention in item.mentions), default=0)
        one = _Evidence(label, tier, _carrying_first(item.words), place, order=item.min_priority)
        if not _is_no_event(one, item.mentions, note):
            yield _judged(one, told, item.mentions, note)


def _of_groups(named: Sequence[tuple[Group, Mention]], note: Note) -> Iterator[_Evidence]:
    labelled = [(group, mention) for group, mention in named if group.label]
    for group, mention in labelled:
        if not any(_lies_within(mention, other) for _, other in labelled):
            one = _Evidence(group.label, Tier.GROUP, (mention.words,), mention.first, group.code)
            if not _is_no_event(one, (mention,), note) and not reason.is_well(note, mention):
                yield _judged(one, mention.words, (mention,), note)


def _of_names(note: Note) -> Iterator[_Evidence]:
    """What the table of names tells by itself."""
    for term, mention in note.find(_told_index()):
        row = _TOLD[term][1]
        found = _Evidence(row["name"], Tier.GROUP, (mention.words,), mention.first, order=-1)
        found = replace(found, tier=_usual_tier(found))
        if mention.is_present and not _is_no_event(found, (mention,), note):
            context = _is_context(note, mention.first) or _is_besides(note, mention.first)
            instead_of = frozenset(row.get("instead_of", ()))
            yield replace(found, is_context=context, instead_of=instead_of)


def _not_said_better(
    evidence: Iterable[_Evidence], told: Sequence[_Evidence], note: Note
) -> list[_Evidence]:
    """Without what a name of the table says better in the same sentence."""
    return [
        one
        for one in evidence
        if not any(
            one.label in better.instead_of and reason.same_sentence(note, one.place, better.place)
            for better in told
        )
    ]


def _is_no_event(one: _Evidence, mentions: Sequence[Mention], note: Note) -> bool:
    """Whether the words are a figure of speech or a comparison."""
    if any(reason.is_figure_of_speech(note, mention) for mention in mentions):
        return True
    return one.label in reason.OF_EVENTS and any(
        reason.is_comparison(note, mention) for mention in mentions
    )


def _carrying_first(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words that tell of the complaint before a medicine that makes it worse."""
    return tuple(sorted(words, key=lambda told: told.lower() in _MEDICINES))


def _lies_within(one: Mention, other: Mention) -> bool:
    """ "fit note" is no fit."""
    shorter = one.last - one.first < other.last - other.first
    return shorter and other.first <= one.first and one.last <= other.last


def _judged(one: _Evidence, told: str, mentions: Sequence[Mention], note: Note) -> _Evidence:
    """With the name and the tier that its words ask for."""
    row = next((row for row in _WORDINGS if row.of == one.label and row.words.search(told)), None)
    if row is not None:
        one = replace(one, label=row.name)
    tier = (row.tier if row else None) or _usual_tier(one)
    if one.label in _BY_FIGURE and mentions and all(_is_figure(note, at) for at in mentions):
        tier = Tier.NOTHING if note.foreign_sentences else Tier.COMPANION
    context = any(_is_context(note, at.first) for at in mentions)
    if tier is not Tier.GRAVE:
        context = context or any(_is_besides(note, at.first) for at in mentions)
    return replace(one, tier=tier, is_context=context)


def _is_context(note: Note, at: int) -> bool:
    return is_about_relative(note, at) or is_of_earlier_visit(note, at)


def _is_besides(note: Note, at: int) -> bool:
    return reason.is_aside(note, at) or reason.is_of_allergies(note, at) or reason.is_past(note, at)


def _usual_tier(one: _Evidence) -> Tier:
    if one.tier is not Tier.GROUP:
        return one.tier
    if one.label == REQUEST:
        return Tier.REQUEST
    return Tier.COMPANION if one.label in _COMPANIONS else Tier.GROUP


def _is_figure(note: Note, mention: Mention) -> bool:
    return all(note.words[at].is_figure for at in range(mention.first, mention.last))


def _of_the_reason(evidence: Sequence[_Evidence], note: Note) -> list[_Evidence]:
    """Where the note says what somebody came for, only what is grave counts from elsewhere. A
    reason that names nothing leaves nothing else to name, if it is told plainly."""
    why = reason.reason(note)
    if why is None:
        return [*evidence]
    told = [one for one in evidence if one.tier < Tier.NOTHING and not one.is_context]
    if not any(why.has(one.place) for one in told):
        why = reason.with_next_sentence(note, why)  # "Here for toe. Ingrown nail."
    inside = [one for one in told if why.has(one.place)]
    if not inside and not why.is_plain:
        return [*evidence]
    if inside and all(_is_request(one) for one in inside):
        return [one for one in evidence if _is_request(one) or not _is_over(one, note)]
    return [_beside_reason(one, why, note) for one in evidence]


def _is_request(one: _Evidence) -> bool:
    return one.label == REQUEST


def _is_over(one: _Evidence, note: Note) -> bool:
    told = reason.over_words(note, note.words[one.place].start)
    return bool(told) or reason.is_past(note, one.place)


def _beside_reason(one: _Evidence, why: reason.Reason, note: Note) -> _Evidence:
    if why.has(one.place):
        return replace(one, tier=Tier.GROUP) if one.tier is Tier.COMPANION else one
    stays = one.tier is Tier.GRAVE or (one.label in _CAUSES and not why.is_plain)
    return one if stays and not _is_over(one, note) else replace(one, is_context=True)


def _with_leading_request(evidence: Sequence[_Evidence], note: Note) -> list[_Evidence]:
    """A request that fills the first sentence is what somebody came for."""
    last = max((said.last for said in note.statements if said.sentence == 0), default=0)
    leading = [one for one in evidence if one.place < last and one.tier < Tier.NOTHING]
    if not leading or any(one.tier is not Tier.REQUEST for one in leading):
        return [*evidence]
    first = replace(leading[0], tier=Tier.GROUP, order=-1)
    return [first, *evidence]


def _can_be_of(label: str, facts: CaseFacts) -> bool:
    is_too_young = facts.age_years is not None and facts.age_years < _MENARCHE_YEARS
    if label in _OF_WOMEN:
        return facts.sex is not Sex.MALE and not is_too_young
    return label not in _OF_MEN or facts.sex is not Sex.FEMALE


def _tells_only_pulse(one: _Evidence) -> bool:
    """A pulse told as fast or slow that was measured as usual."""
    return bool(one.group) and all(map(_PULSE.match, one.words))


def _without_arrest(
    evidence: Iterable[_Evidence], facts: CaseFacts
) -> tuple[list[_Evidence], tuple[str, ...]]:
    """An arrest is over where somebody is awake: no guidance for one then, nor for what is mild.
    The words that told of it as well."""
    told = list(evidence)
    over = [one for one in told if one.label == _ARREST]
    if not over or facts.consciousness not in _AWAKE:
        return told, ()
    kept = [one for one in told if one.label != _ARREST]
    if all(one.group for one in kept):
        kept = [one for one in kept if one.group in _DANGEROUS]
    return kept, next((one.words for one in over if not one.group), ())


_DANGEROUS: Final = frozenset(group.code for group in GROUPS if group.bound)
