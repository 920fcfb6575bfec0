"""A case as numbers for the model: vital signs, circumstances, complaint groups, words. Pure.

Vital signs enter as distances from the resting range of the patient's age, so that one weight
serves child and adult; what was not taken counts as nothing, what could not be measured has
its own place. Whether a saturation was taken is no input: it tells of the site, not the patient.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from llm_worker.classifier import age_bands
from llm_worker.classifier.concepts import CONCEPTS, find_concepts
from llm_worker.classifier.news2 import news2
from llm_worker.classifier.reading import Note
from llm_worker.classifier.rules import Fired, most_urgent
from llm_worker.classifier.rules_vitals import num_unmeasurable, shock_index
from llm_worker.facts import ArrivalMode, CaseFacts, Consciousness, Sex

UNKNOWN_LEVEL: Final = 3.6

# A story told from elsewhere, or a note without the circumstances of an arrival.
_NOT_SEEN: Final = frozenset({ArrivalMode.UNKNOWN, ArrivalMode.CALL})


@dataclass(frozen=True, slots=True)
class CaseView:
    """What the model sees. `concepts` maps a complaint group to the words it was found by."""

    numbers: Mapping[str, float]
    concepts: Mapping[str, tuple[str, ...]]

    def without(self, code: str) -> dict[str, float]:
        """The numbers that sum up the complaints, as if this group had not been found."""
        return _levels({name: words for name, words in self.concepts.items() if name != code})

    def row(self) -> list[float]:
        """In the order of `FEATURES`."""
        return [
            self.numbers[name] if name in self.numbers else float(name in self.concepts)
            for name in FEATURES
        ]


def view(facts: CaseFacts, note: Note, fired: tuple[Fired, ...]) -> CaseView:
    found = find_concepts(note)
    concepts = found.present
    numbers = {
        **_vitals(facts),
        **_circumstances(facts),
        **net_signs(fired),
        **_levels(concepts),
        "denied": min(5, found.num_denied) / 5,
    }
    return CaseView(numbers=numbers, concepts=concepts)


def _over(value: float | None, limit: float, span: float) -> float:
    return 0.0 if value is None else min(3.0, max(0.0, (value - limit) / span))


def _under(value: float | None, limit: float, span: float) -> float:
    return 0.0 if value is None else min(3.0, max(0.0, (limit - value) / span))


def _vitals(facts: CaseFacts) -> dict[str, float]:
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
        "fever": _over(temperature, 37.3, 1.0),
        "cold": _under(temperature, 36.0, 0.7),
        "saturation_low": _under(saturation, 96, 4),
        "systolic_low": _under(systolic, low + 20, 20),
        "systolic_high": _over(systolic, 150, 30),
        "diastolic_high": _over(diastolic, 95, 20),
        "shock_index": _over(index if adult else None, 0.7, 0.2),
        "news2": min(10, score.score) / 3 if score else 0.0,
        "unmeasurable": float(num_unmeasurable(facts)),
        "pain": 0.0 if pain is None else pain / 5,
        "pain_strong": _over(pain, 5, 2),
        "no_pain": float(pain == 0),
        "not_alert": float(facts.consciousness in {Consciousness.CONFUSED, Consciousness.VOICE}),
        "coma": float(facts.consciousness in {Consciousness.PAIN, Consciousness.UNRESPONSIVE}),
        "unresponsive": float(facts.consciousness is Consciousness.UNRESPONSIVE),
    }


def _circumstances(facts: CaseFacts) -> dict[str, float]:
    age = 45.0 if facts.age_years is None else facts.age_years
    mode = facts.arrival_mode
    return {
        "age": (age - 50) / 25,
        "age_over_65": _over(age, 60, 15),
        "age_under_30": _under(age, 35, 15),
        "male": float(facts.sex is Sex.MALE) - float(facts.sex is Sex.FEMALE),
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


def _levels(concepts: Mapping[str, tuple[str, ...]]) -> dict[str, float]:
    levels = [concept.level for concept in CONCEPTS if concept.code in concepts]
    return {
        "most_urgent_complaint": 3.0 - min(levels, default=UNKNOWN_LEVEL),
        "no_complaint_known": float(not levels),
    }


_EMPTY: Final = CaseFacts(text="")
NUMBERS: Final[tuple[str, ...]] = tuple(
    {**_vitals(_EMPTY), **_circumstances(_EMPTY), **net_signs(()), **_levels({}), "denied": 0.0}
)
FEATURES: Final[tuple[str, ...]] = NUMBERS + tuple(concept.code for concept in CONCEPTS)

# Where more of a feature may never mean less urgent (+1), or more urgent (-1). Complaint groups
# that danger signs belong to are bound as well; mild ones may pull either way.
_FREE: Final = frozenset(
    {"age", "age_over_65", "age_under_30", "male", "public_ambulance", "private_ambulance",
     "walked_in", "injury", "no_pain", "seen_in_person", "denied"}
)  # fmt: skip
_BOUND_LEVEL: Final = 3.4
DIRECTIONS: Final[Mapping[str, int]] = {
    **{name: 0 if name in _FREE else 1 for name in NUMBERS},
    "no_complaint_known": -1,
    **{concept.code: int(concept.level <= _BOUND_LEVEL) for concept in CONCEPTS},
}
