"""A case as numbers for the model: vital signs, circumstances, signs, words, complaints. Pure.

Vital signs enter as distances from the resting range of the patient's age, so that one weight
serves child and adult; what was not taken counts as nothing, what could not be measured has
its own place. Whether a saturation was taken is no input: it tells of the site, not the patient.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from triage_site.triage import age_bands
from triage_site.triage.facts import NOT_TAKEN, ArrivalMode, CaseFacts, Consciousness
from triage_site.triage.model.complaints import GROUPS, Group
from triage_site.triage.model.encoder import PRIOR, Encoded, Floats
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
LEAST_TAKEN: Final = 3  # of five vital signs; in the study nearly all have four and more
WAYS_OF_ARRIVAL: Final = ("public_ambulance", "private_ambulance", "walked_in")

# A story told from elsewhere, or a note without the circumstances of an arrival.
_NOT_SEEN: Final = frozenset({ArrivalMode.UNKNOWN, ArrivalMode.CALL})


@dataclass(frozen=True, slots=True)
class CaseView:
    """What the model sees. `named`: the complaint groups that are present, with where they
    stand. `encoded`: what the encoder says of the words."""

    numbers: Mapping[str, float]
    named: tuple[tuple[Group, Mention], ...]
    encoded: Encoded
    is_story: bool  # more than shorthand
    is_seen: bool  # an adult whom somebody saw arrive
    is_measured: bool  # one of whom vital signs were taken, too

    @property
    def concepts(self) -> dict[str, tuple[str, ...]]:
        """Each group that is present, in the order of the table, and the words that tell it."""
        words: dict[str, list[str]] = {}
        for group, mention in self.named:
            words.setdefault(group.code, []).append(mention.words)
        return {g.code: tuple(dict.fromkeys(words[g.code])) for g in GROUPS if g.code in words}

    def without(self, code: str, fired: Sequence[Fired]) -> dict[str, float]:
        """What sums up signs and complaints, as if this group had not been found, nor more fired
        than that."""
        rest = [group for group, _ in self.named if group.code != code]
        return {**net_signs(fired), **_levels(rest)}

    def row(self) -> list[float]:
        """In the order of `FEATURES`."""
        codes = {group.code for group, _ in self.named}
        return [
            self.numbers[name] if name in self.numbers else float(name in codes)
            for name in FEATURES
        ]


def view(
    measured: Measured,
    note: Note,
    fired: Sequence[Fired],
    named: Iterable[tuple[Group, Mention]],
    encoded: Encoded,
) -> CaseView:
    """`named`: the groups of the note, however they are meant (`apart_from_requests`)."""
    present = tuple((group, mention) for group, mention in named if mention.is_present)
    told = encoded.num_read or sum(not word.is_mark and not word.is_figure for word in note.words)
    is_adult = age_bands.is_adult(measured.facts.age_years)
    is_seen = is_adult and measured.facts.arrival_mode not in _NOT_SEEN
    taken = sum(getattr(measured.facts, vital) is not NOT_TAKEN for vital in _USUAL)
    numbers = {
        **_vitals(measured),
        **_circumstances(measured.facts),
        **net_signs(fired),
        **words_numbers(encoded.at_most),
        **_levels(group for group, _ in present),
    }
    return CaseView(
        numbers,
        present,
        encoded,
        is_story=told >= STORY_WORDS,
        is_seen=is_seen,
        is_measured=is_seen and taken >= LEAST_TAKEN,
    )


def words_numbers(at_most: Floats) -> dict[str, float]:
    """The encoder's log odds [4] as features."""
    return {f"words_{boundary}": float(odds) for boundary, odds in enumerate(at_most)}


def apart_from_requests(
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
        "glucose_far": max(
            _far(told.get("glucose"), 4.0, 12.0) for told in (measured.extra, measured.earlier)
        ),
        "figures_abnormal": _abnormal_share(facts),
        "figures_normal": _normal_share(facts),
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


def _levels(groups: Iterable[Group]) -> dict[str, float]:
    """Of a mild complaint the encoder tells."""
    levels = [group.level for group in groups if group.bound]
    return {
        "most_urgent_complaint": 3.0 - min(levels, default=UNKNOWN_LEVEL),
        "no_complaint_known": float(not levels),
    }


_EMPTY: Final = CaseFacts(text="")
_GRAVE_GROUPS: Final = tuple(group.code for group in GROUPS if group.bound)
# What belongs together, so that it can be taken from one case to another.
BLOCKS: Final[Mapping[str, tuple[str, ...]]] = {
    "vitals": tuple(_vitals(Measured(_EMPTY, {}))),
    "circumstances": tuple(_circumstances(_EMPTY)),
    "net": tuple(net_signs(())),
    "words": tuple(words_numbers(PRIOR)),
    "complaints": (*_levels(()), *_GRAVE_GROUPS),
}
FEATURES: Final[tuple[str, ...]] = tuple(name for block in BLOCKS.values() for name in block)
NUMBERS: Final[tuple[str, ...]] = FEATURES[: -len(_GRAVE_GROUPS)]

# Where more of a feature may never mean less urgent (+1), or more urgent (-1).
_DOWNWARD: Final = ("no_complaint_known", "figures_normal")
DIRECTIONS: Final[Mapping[str, int]] = {
    **{name: 0 if name in BLOCKS["circumstances"] else 1 for name in FEATURES},
    **dict.fromkeys(_DOWNWARD, -1),
}
