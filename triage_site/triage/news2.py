"""National Early Warning Score 2 (Royal College of Physicians, 2017).

Reproduced with acknowledgement: Royal College of Physicians. National Early Warning Score
(NEWS) 2. London: RCP, 2017. Not for people under 16. A parameter that was not measured is
never counted as normal: the score is then marked incomplete.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from triage_site.triage.facts import CaseFacts, Consciousness
from triage_site.triage.types import News2

SOURCE: Final = "RCP NEWS2 2017"
MIN_AGE_YEARS: Final = 16.0

# (upper limit, points): the first row whose limit is not below the value counts.
_Steps = Sequence[tuple[float, int]]
_TOP: Final = float("inf")
_RESPIRATION: Final[_Steps] = ((8, 3), (11, 1), (20, 0), (24, 2), (_TOP, 3))
_SYSTOLIC: Final[_Steps] = ((90, 3), (100, 2), (110, 1), (219, 0), (_TOP, 3))
_PULSE: Final[_Steps] = ((40, 3), (50, 1), (90, 0), (110, 1), (130, 2), (_TOP, 3))
_TEMPERATURE: Final[_Steps] = ((35.0, 3), (36.0, 1), (38.0, 0), (39.0, 1), (_TOP, 2))
_SATURATION_1: Final[_Steps] = ((91, 3), (93, 2), (95, 1), (_TOP, 0))
_SATURATION_2_AIR: Final[_Steps] = ((83, 3), (85, 2), (87, 1), (_TOP, 0))
_SATURATION_2_OXYGEN: Final[_Steps] = (
    (83, 3),
    (85, 2),
    (87, 1),
    (92, 0),
    (94, 1),
    (96, 2),
    (_TOP, 3),
)


def applies(facts: CaseFacts) -> bool:
    """NEWS2 is for people of 16 and over; an unknown age is taken for an adult's."""
    return facts.age_years is None or facts.age_years >= MIN_AGE_YEARS


def news2(facts: CaseFacts) -> News2 | None:
    """The score, or None under 16 years or where nothing at all was measured."""
    if not applies(facts):
        return None
    points = _points(facts)
    known = [value for value in points.values() if value is not None]
    if not known:
        return None
    missing = tuple(name for name, value in points.items() if value is None)
    return News2(
        score=sum(known),
        complete=not missing,
        missing=missing,
        single_three=3 in known,
    )


def _points(facts: CaseFacts) -> dict[str, int | None]:
    return {
        "respiratory rate": _score(_RESPIRATION, facts.value("rr_bpm")),
        "oxygen saturation": _saturation_points(facts),
        "air or oxygen": None if facts.on_oxygen is None else 2 * facts.on_oxygen,
        "systolic blood pressure": _score(_SYSTOLIC, facts.value("sbp_mmhg")),
        "pulse": _score(_PULSE, facts.value("hr_bpm")),
        "consciousness": _consciousness_points(facts.consciousness),
        "temperature": _score(_TEMPERATURE, facts.value("temp_c")),
    }


def _saturation_points(facts: CaseFacts) -> int | None:
    value = facts.value("spo2_percent")
    if not facts.spo2_scale_2:
        return _score(_SATURATION_1, value)
    return _score(_SATURATION_2_OXYGEN if facts.on_oxygen else _SATURATION_2_AIR, value)


def _consciousness_points(level: Consciousness) -> int | None:
    if level is Consciousness.NOT_TAKEN:
        return None
    return 0 if level is Consciousness.ALERT else 3


def _score(steps: _Steps, value: float | None) -> int | None:
    if value is None:
        return None
    return next(points for limit, points in steps if value <= limit)
