"""Random training cases with matching facts, priority and danger signs."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from typing import Final

from llm_worker.training.guidance_callers import Call, make_call
from llm_worker.training.guidance_complaint import Complaint, complaints, word_lists
from triage_site.triage.facts import (
    UNMEASURABLE,
    ArrivalMode,
    CaseFacts,
    Consciousness,
    Reading,
    Sex,
)
from triage_site.triage.signs.rules import TEXT_RULES, VITAL_RULES

VITALS: Final = (
    "rr_bpm",
    "spo2_percent",
    "sbp_mmhg",
    "dbp_mmhg",
    "hr_bpm",
    "temp_c",
    "pain_score",
)
_UNKNOWN_SHARE: Final = 0.16  # of the cases: complaints outside all groups
_GROUP_IN_BRIEF_SHARE: Final = 0.75  # of the other cases: the brief names the group
_SIMILAR_SIGN_SHARE: Final = 0.5  # of the further danger signs: signs of one case often share words
_GROUP_ONLY_IN_BRIEF_SHARE: Final = 0.25  # of these: the call itself does not describe the group


@dataclass(frozen=True, slots=True)
class TrainingCase:
    """A case with its complaint group (None: outside all groups) and its call.

    `group_in_brief`: the brief names the group, as when the classifier has found one.
    """

    facts: CaseFacts
    priority: int
    danger_signs: tuple[str, ...]
    complaint: Complaint | None
    call: Call
    group_in_brief: bool = False


def make_case(rng: random.Random) -> TrainingCase:
    """One random case. The same state of `rng` gives the same case."""
    complaint = None if rng.random() < _UNKNOWN_SHARE else rng.choice(complaints())
    priority = rng.choice(complaint.priorities) if complaint else rng.choice((1, 2, 3, 3, 4, 4))
    if rng.random() < 0.12:
        priority = rng.randrange(5)
    age = _age(rng, complaint)
    sex = _sex(rng, complaint)
    group_in_brief = complaint is not None and rng.random() < _GROUP_IN_BRIEF_SHARE
    spoken_complaint = (
        None if group_in_brief and rng.random() < _GROUP_ONLY_IN_BRIEF_SHARE else complaint
    )
    call = make_call(rng, spoken_complaint, sex=sex, age_years=age)
    shown_age = None if rng.random() < 0.05 else age
    shown_sex = Sex.UNKNOWN if rng.random() < 0.05 else sex
    facts = CaseFacts(
        text=" ".join(call.sentences),
        age_years=shown_age,
        sex=shown_sex,
        arrival_mode=rng.choice(list(ArrivalMode)),
        injury=_injury(rng, complaint),
        consciousness=_consciousness(rng, priority),
        **_vitals(rng, priority, age),  # type: ignore[arg-type]
    )
    signs = _danger_signs(rng, complaint, priority)
    return TrainingCase(facts, priority, signs, complaint, call, group_in_brief)


def _age(rng: random.Random, complaint: Complaint | None) -> float:
    low, high = complaint.ages if complaint else (0.0, 99.0)
    age = rng.uniform(low, high)
    if low <= 1 and high > 5 and rng.random() < 0.1:
        age = rng.uniform(low, 2)
    return round(age, 2) if age < 2 else float(int(age))


def _sex(rng: random.Random, complaint: Complaint | None) -> Sex:
    if complaint and complaint.sex:
        return Sex(complaint.sex)
    return rng.choices((Sex.FEMALE, Sex.MALE, Sex.OTHER, Sex.UNKNOWN), (46, 46, 3, 5))[0]


def _injury(rng: random.Random, complaint: Complaint | None) -> bool | None:
    if rng.random() < 0.35:
        return None
    return complaint.injury if complaint else rng.random() < 0.15


def _consciousness(rng: random.Random, priority: int) -> Consciousness:
    if rng.random() < 0.35:
        return Consciousness.NOT_TAKEN
    if rng.random() < (0.55, 0.2, 0.06, 0.02, 0.01)[priority]:
        return rng.choice(list(Consciousness)[1:-1])
    return Consciousness.ALERT


def _vitals(rng: random.Random, priority: int, age: float) -> dict[str, object]:
    profile = rng.choices(("none", "some", "all", "wild"), (25, 28, 35, 12))[0]
    if profile == "none":
        return {}
    out: dict[str, object] = {}
    for name in VITALS:
        if profile in ("some", "wild") and rng.random() < 0.4:
            continue
        out[name] = (
            _any_reading(rng, name)
            if profile == "wild"
            else _plausible_reading(rng, name, priority, age)
        )
        if rng.random() < (0.15, 0.04, 0.01, 0.01, 0.0)[priority] and name != "pain_score":
            out[name] = UNMEASURABLE
    _order_pressures(rng, out)
    if isinstance(out.get("spo2_percent"), int | float):
        out["on_oxygen"] = rng.choices((None, False, True), (40, 45, 15))[0]
        out["spo2_scale_2"] = rng.random() < 0.04
    return out


def _order_pressures(rng: random.Random, out: dict[str, object]) -> None:
    """Makes the diastolic pressure lower than the systolic, as the form requires."""
    systolic, diastolic = out.get("sbp_mmhg"), out.get("dbp_mmhg")
    if not isinstance(systolic, int) or not isinstance(diastolic, int):
        return
    if diastolic >= systolic:
        out["dbp_mmhg"] = max(0, int(systolic * rng.uniform(0.4, 0.8)))


def _any_reading(rng: random.Random, name: str) -> Reading:
    """Any number that the form accepts, so that the model copies unusual numbers too."""
    low, high = {
        "rr_bpm": (0, 100),
        "spo2_percent": (0, 100),
        "sbp_mmhg": (30, 350),
        "dbp_mmhg": (0, 250),
        "hr_bpm": (0, 350),
        "temp_c": (20, 46),
        "pain_score": (0, 10),
    }[name]
    return round(rng.uniform(low, high), 1) if name == "temp_c" else rng.randint(low, high)


def _plausible_reading(rng: random.Random, name: str, priority: int, age: float) -> Reading:
    strain = (2.2, 1.6, 1.0, 0.5, 0.3)[priority] * abs(rng.gauss(0, 1))
    down = rng.random() < 0.3
    child = max(0.0, 1 - age / 16)
    if name == "rr_bpm":
        return max(4, round(16 + 20 * child + (-3 if down else 5) * strain))
    if name == "spo2_percent":
        return max(55, min(100, round(98.5 - 2.5 * strain)))
    if name == "sbp_mmhg":
        return max(45, round(126 - 40 * child + (-16 if down else 15) * strain))
    if name == "dbp_mmhg":
        return max(20, round(78 - 25 * child + rng.gauss(0, 10)))
    if name == "hr_bpm":
        return max(28, round(78 + 60 * child + (-8 if down else 16) * strain + rng.gauss(0, 6)))
    if name == "temp_c":
        return round(36.8 + (-0.5 if down else 0.8) * strain, 1)
    return min(10, max(0, round(4 + 2 * strain * rng.choice((-1, 1)))))


@cache
def rule_labels() -> tuple[str, ...]:
    """The labels of the danger signs in the rules of the classifier."""
    return tuple(sorted({rule.label for rule in TEXT_RULES} | {rule.label for rule in VITAL_RULES}))


def _danger_signs(
    rng: random.Random, complaint: Complaint | None, priority: int
) -> tuple[str, ...]:
    if rng.random() < (0.08, 0.15, 0.6, 0.9, 0.96)[priority]:
        return ()
    own = list(complaint.danger + complaint.rule_labels) if complaint else []
    count = rng.choices((1, 2, 3, 4, 5, 6, 7, 8), (38, 20, 12, 8, 6, 5, 4, 7))[0]
    signs = rng.sample(own, min(len(own), rng.choice((1, 1, 2)))) if rng.random() < 0.75 else []
    pool = word_lists()["danger_labels"] if rng.random() < 0.2 else rule_labels()
    while len(signs) < count:
        like = [label for label in pool if _share_a_word(label, signs)]
        chosen = rng.choice(like if like and rng.random() < _SIMILAR_SIGN_SHARE else pool)
        if chosen not in signs:
            signs.append(chosen)
    return tuple(signs[:count])


def _share_a_word(label: str, signs: list[str]) -> bool:
    return bool(set(label.split()) & set(" ".join(signs).split()) - {"of", "a", "or", "with"})
