"""A case as numbers for the model: vital signs, circumstances, complaint groups, words. Pure.

Vital signs enter as distances from the resting range of the patient's age, so that one weight
serves child and adult; what was not taken counts as nothing, what could not be measured has
its own place. Whether a saturation was taken is no input: it tells of the site, not the patient.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

from triage_site.triage import age_bands
from triage_site.triage.facts import ArrivalMode, CaseFacts, Consciousness
from triage_site.triage.model.clauses import Clause, clauses_of
from triage_site.triage.model.complaints import GROUPS, Group, find_groups, is_denied
from triage_site.triage.news2 import news2
from triage_site.triage.reading.measured import Measured
from triage_site.triage.reading.note import Mention, Note
from triage_site.triage.signs.rules import Fired, most_urgent
from triage_site.triage.signs.vital_rules import num_unmeasurable, shock_index

UNKNOWN_LEVEL: Final = 3.6
# Those who have no pain at all are sicker than those with a little. Counted together with strong
# pain, so that strong pain is never judged less urgent than none.
STRONG_PAIN: Final = 7
_REQUEST: Final = "admin"
STORY_WORDS: Final = 12  # the study's complaints have five at most
_MAX_PARTS: Final = 4  # beyond it the last ones are left out together
WAYS_OF_ARRIVAL: Final = ("public_ambulance", "private_ambulance", "walked_in")

# A story told from elsewhere, or a note without the circumstances of an arrival.
_NOT_SEEN: Final = frozenset({ArrivalMode.UNKNOWN, ArrivalMode.CALL})


@dataclass(frozen=True, slots=True)
class CaseView:
    """What the model sees. `concepts` maps a complaint group to the words it was found by."""

    numbers: Mapping[str, float]
    concepts: Mapping[str, tuple[str, ...]]
    clauses: tuple[Clause, ...]
    # The groups that are present, wherever they stand: for the name of the complaint.
    named: tuple[tuple[Group, Mention], ...] = ()
    # The same case without one or more parts of sentences that tell of dangers. The signs
    # count in each.
    shorter: tuple[CaseView, ...] = ()

    @property
    def is_story(self) -> bool:
        """More than shorthand."""
        return sum(clause.num_words for clause in self.clauses) >= STORY_WORDS

    def without(self, code: str, fired: Sequence[Fired]) -> dict[str, float]:
        """What sums up signs and complaints, as if this group had not been found, nor more fired
        than that."""
        return {**net_signs(fired), **_levels([name for name in self.concepts if name != code])}

    def row(self) -> list[float]:
        """In the order of `FEATURES`."""
        return [
            self.numbers[name] if name in self.numbers else float(name in self.concepts)
            for name in FEATURES
        ]


def view(measured: Measured, note: Note, fired: tuple[Fired, ...]) -> CaseView:
    named = _apart_from_requests(find_groups(note))
    dangers = [mention for item in fired for mention in item.mentions]
    clauses = clauses_of(note, dangers, (m for group, m in named if group.names_complaint))
    numbers = {**_vitals(measured), **_circumstances(measured.facts), **net_signs(fired)}
    whole = _with_words(CaseView(numbers, {}, ()), named, clauses)
    shorter = tuple(_with_words(whole, named, kept) for kept in _without_dangers(clauses))
    present = tuple((group, mention) for group, mention in named if mention.is_present)
    return replace(whole, named=present, shorter=shorter)


def _with_words(
    case: CaseView, named: Sequence[tuple[Group, Mention]], clauses: tuple[Clause, ...]
) -> CaseView:
    """The case as if these clauses were all that was said."""
    said = {at for clause in clauses for at in range(clause.first, clause.last)}
    kept = [(group, mention) for group, mention in named if mention.first in said]
    concepts, num_denied = _judged(kept, clauses)
    numbers = {**case.numbers, **_levels(concepts), "denied": min(5, num_denied) / 5}
    return CaseView(numbers, concepts, clauses)


def _without_dangers(clauses: tuple[Clause, ...]) -> list[tuple[Clause, ...]]:
    """The clauses without each choice of parts. A sentence that tells of dangers has a part up to
    the first one, and a part from each of them to the next."""
    dangerous = {clause.sentence for clause in clauses if clause.danger}
    numbers, sentence, number = [], -1, 0
    for clause in clauses:
        begins = clause.danger or clause.sentence != sentence
        number += begins and clause.sentence in dangerous
        numbers.append(min(number, _MAX_PARTS) if clause.sentence in dangerous else 0)
        sentence = clause.sentence
    parts = sorted(set(numbers) - {0})
    return [
        tuple(c for c, part in zip(clauses, numbers, strict=True) if not part or part in kept)
        for size in range(len(parts))
        for kept in combinations(parts, size)
    ]


def _apart_from_requests(
    named: Iterable[tuple[Group, Mention]],
) -> list[tuple[Group, Mention]]:
    """ "fit note" is no fit, "suture removal" no wound to be stitched."""
    found = list(named)
    requests = [mention for group, mention in found if group.code == _REQUEST]
    return [
        (group, mention)
        for group, mention in found
        if group.code == _REQUEST or not any(_lies_within(mention, one) for one in requests)
    ]


def _lies_within(one: Mention, other: Mention) -> bool:
    shorter = one.last - one.first < other.last - other.first
    return shorter and other.first <= one.first and one.last <= other.last


def _judged(
    named: Sequence[tuple[Group, Mention]], clauses: Sequence[Clause]
) -> tuple[dict[str, tuple[str, ...]], int]:
    """Groups that are present, in the order of the table, and how many are only denied. In a
    clause that tells of a danger only the bound groups count, and no denials."""
    danger = {at for c in clauses if c.danger for at in range(c.first, c.last)}
    present: dict[str, list[str]] = {}
    denied: set[str] = set()
    for group, mention in named:
        if mention.first in danger and not group.bound:
            continue
        if mention.is_present:
            present.setdefault(group.code, []).append(mention.words)
        elif is_denied(mention) and mention.first not in danger:
            denied.add(group.code)
    ordered = {g.code: tuple(dict.fromkeys(present[g.code])) for g in GROUPS if g.code in present}
    return ordered, len(denied - set(present))


def _over(value: float | None, limit: float, span: float) -> float:
    return 0.0 if value is None else min(3.0, max(0.0, (value - limit) / span))


def _under(value: float | None, limit: float, span: float) -> float:
    return 0.0 if value is None else min(3.0, max(0.0, (limit - value) / span))


def _far(value: float | None, low: float, high: float) -> float:
    """How far outside a usual range."""
    return max(_under(value, low, 1.5), _over(value, high, 6.0))


def _vitals(measured: Measured) -> dict[str, float]:
    facts = measured.facts
    band = age_bands.band(facts.age_years)
    adult = age_bands.is_adult(facts.age_years)
    heart, breath = facts.value("hr_bpm"), facts.value("rr_bpm")
    temperature, saturation = facts.value("temp_c"), facts.value("spo2_percent")
    systolic, diastolic = facts.value("sbp_mmhg"), facts.value("dbp_mmhg")
    low = age_bands.hypotension_below(facts.age_years)
    score = news2(facts)
    index = shock_index(facts)
    pain = facts.value("pain_score")
    return {
        "heart_fast": _over(heart, band.heart[1] - 15, 20),
        "heart_slow": _under(heart, band.heart[0], 15),
        "breath_fast": _over(breath, 20 if adult else band.breath[1], 5),
        "breath_slow": _under(breath, band.breath[0], 4),
        "temperature_high": _over(temperature, 37.3, 1.0),
        "temperature_low": _under(temperature, 36.0, 0.7),
        "saturation_low": _under(saturation, 96, 4),
        "systolic_low": _under(systolic, low + 20, 20),
        "systolic_high": _over(systolic, 150, 30),
        "diastolic_high": _over(diastolic, 95, 20),
        "shock_index": _over(index if adult else None, 0.7, 0.2),
        "news2": min(10, score.score) / 3 if score else 0.0,
        "unmeasurable": float(num_unmeasurable(facts)),
        "pain": 0.0 if pain is None else pain / 5,
        "pain_strong": _over(pain, 5, 2),
        "no_or_strong_pain": float(pain is not None and (pain == 0 or pain >= STRONG_PAIN)),
        "not_alert": float(facts.consciousness in {Consciousness.CONFUSED, Consciousness.VOICE}),
        "coma": float(facts.consciousness in {Consciousness.PAIN, Consciousness.UNRESPONSIVE}),
        "unresponsive": float(facts.consciousness is Consciousness.UNRESPONSIVE),
        "glucose_far": _far(measured.extra.get("glucose"), 4.0, 12.0),
        "figures_abnormal": _abnormal_share(facts),
        "figures_normal": 0.0 if facts.arrival_mode not in _NOT_SEEN else _normal_share(facts),
    }


_USUAL: Final = {
    "hr_bpm": (50, 100), "rr_bpm": (10, 20), "spo2_percent": (95, 100), "sbp_mmhg": (100, 150),
    "temp_c": (36.0, 37.8),
}  # fmt: skip


def _normal_share(facts: CaseFacts) -> float:
    """Share of five vital signs that were taken and are usual for the age."""
    return sum(_usual_ones(facts)) / len(_USUAL)


def _abnormal_share(facts: CaseFacts) -> float:
    return sum(not usual for usual in _usual_ones(facts)) / len(_USUAL)


def _usual_ones(facts: CaseFacts) -> list[bool]:
    """Of each vital sign that was taken, whether it is usual for the age."""
    band, adult = age_bands.band(facts.age_years), age_bands.is_adult(facts.age_years)
    usual = dict(_USUAL)
    if not adult:
        low = age_bands.hypotension_below(facts.age_years)
        usual |= {"hr_bpm": band.heart, "rr_bpm": band.breath, "sbp_mmhg": (low + 5, 130)}
    values = {vital: facts.value(vital) for vital in usual}
    return [usual[k][0] <= v <= usual[k][1] for k, v in values.items() if v is not None]


def _circumstances(facts: CaseFacts) -> dict[str, float]:
    age = 45.0 if facts.age_years is None else facts.age_years
    mode = facts.arrival_mode
    return {
        "age": (age - 50) / 25,
        "age_over_65": _over(age, 60, 15),
        "age_under_30": _under(age, 35, 15),
        "public_ambulance": float(mode is ArrivalMode.AMBULANCE),
        "private_ambulance": float(mode is ArrivalMode.PRIVATE_AMBULANCE),
        "walked_in": float(mode is ArrivalMode.WALKING),
        "injury": float(facts.injury is True),
        "seen_in_person": float(mode not in _NOT_SEEN),
    }


def net_signs(fired: Sequence[Fired]) -> dict[str, float]:
    """How urgent the rules say that the case is at least."""
    level = most_urgent(fired)
    return {f"net_{limit}": float(level <= limit) for limit in (0, 1, 2)}


def _levels(codes: Container[str]) -> dict[str, float]:
    levels = [group.level for group in GROUPS if group.code in codes]
    return {
        "most_urgent_complaint": 3.0 - min(levels, default=UNKNOWN_LEVEL),
        "no_complaint_known": float(not levels),
    }


_EMPTY: Final = CaseFacts(text="")
_COMPLAINTS: Final = (*_levels(()), "denied")
# What belongs together, so that it can be taken from one case to another.
BLOCKS: Final[Mapping[str, tuple[str, ...]]] = {
    "vitals": tuple(_vitals(Measured(_EMPTY, {}))),
    "circumstances": tuple(_circumstances(_EMPTY)),
    "net": tuple(net_signs(())),
    "complaints": (*_COMPLAINTS, *(group.code for group in GROUPS)),
}
FEATURES: Final[tuple[str, ...]] = tuple(name for block in BLOCKS.values() for name in block)
NUMBERS: Final[tuple[str, ...]] = FEATURES[: -len(GROUPS)]

# Where more of a feature may never mean less urgent (+1), or more urgent (-1). Complaint groups
# that danger signs belong to are bound as well; mild ones may pull either way.
_DOWNWARD: Final = ("no_complaint_known", "denied", "figures_normal")
DIRECTIONS: Final[Mapping[str, int]] = {
    **{name: 0 if name in BLOCKS["circumstances"] else 1 for name in NUMBERS},
    **dict.fromkeys(_DOWNWARD, -1),
    **{group.code: int(group.bound) for group in GROUPS},
}
