# ruff: noqa: E501
"""Rules on vital signs: absolute limits, danger zones by age, NEWS2, shock index."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from triage_site.triage import age_bands
from triage_site.triage.facts import UNMEASURABLE, CaseFacts, Consciousness
from triage_site.triage.news2 import SOURCE as NEWS2_SOURCE
from triage_site.triage.news2 import news2
from triage_site.triage.signs.rule_types import CTAS, ESI, NET, VitalRule

_CORE: Final = ("hr_bpm", "rr_bpm", "sbp_mmhg", "spo2_percent")
_UNITS: Final = {
    "hr_bpm": ("heart rate", "/min"), "rr_bpm": ("breathing rate", "/min"),
    "sbp_mmhg": ("systolic pressure", " mmHg"), "spo2_percent": ("oxygen saturation", " %"),
    "temp_c": ("temperature", " °C"),
}  # fmt: skip
_COMA: Final = frozenset({Consciousness.PAIN, Consciousness.UNRESPONSIVE})
_NOT_ALERT: Final = frozenset(Consciousness) - {Consciousness.ALERT, Consciousness.NOT_TAKEN}


def shock_index(facts: CaseFacts) -> float | None:
    heart, systolic = facts.value("hr_bpm"), facts.value("sbp_mmhg")
    return heart / systolic if heart is not None and systolic else None


def num_unmeasurable(facts: CaseFacts) -> int:
    return sum(getattr(facts, vital) is UNMEASURABLE for vital in _CORE)


def _below(vital: str, limit: float, *, adults: bool = False) -> Callable[[CaseFacts], bool]:
    def holds(facts: CaseFacts) -> bool:
        value = facts.value(vital)
        return (
            value is not None
            and value < limit
            and (not adults or age_bands.is_adult(facts.age_years))
        )

    return holds


def _at_least(vital: str, limit: float, *, adults: bool = False) -> Callable[[CaseFacts], bool]:
    def holds(facts: CaseFacts) -> bool:
        value = facts.value(vital)
        return (
            value is not None
            and value >= limit
            and (not adults or age_bands.is_adult(facts.age_years))
        )

    return holds


def _shows(vital: str) -> Callable[[CaseFacts], str]:
    name, unit = _UNITS[vital]
    return lambda facts: f"{name} {facts.value(vital):g}{unit}"


def _danger_heart(facts: CaseFacts) -> bool:
    value = facts.value("hr_bpm")
    return value is not None and value > age_bands.band(facts.age_years).danger_heart


def _danger_breath(facts: CaseFacts) -> bool:
    value = facts.value("rr_bpm")
    return value is not None and value > age_bands.band(facts.age_years).danger_breath


def _child(rule: Callable[[CaseFacts], bool]) -> Callable[[CaseFacts], bool]:
    return lambda facts: not age_bands.is_adult(facts.age_years) and rule(facts)


def _adult(rule: Callable[[CaseFacts], bool]) -> Callable[[CaseFacts], bool]:
    return lambda facts: age_bands.is_adult(facts.age_years) and rule(facts)


def _child_slow(facts: CaseFacts) -> bool:
    heart, breath = facts.value("hr_bpm"), facts.value("rr_bpm")
    row = age_bands.band(facts.age_years)
    return (heart is not None and heart < row.heart[0] * 0.8) or (
        breath is not None and breath < row.breath[0] * 0.7
    )


def _hypotensive(facts: CaseFacts) -> bool:
    value = facts.value("sbp_mmhg")
    return value is not None and value < age_bands.hypotension_below(facts.age_years)


def _low_saturation(limit: float) -> Callable[[CaseFacts], bool]:
    """Not counted where 88-92 % is the agreed target: there NEWS2 scale 2 speaks."""

    def holds(facts: CaseFacts) -> bool:
        value = facts.value("spo2_percent")
        return value is not None and value < (min(limit, 88.0) if facts.spo2_scale_2 else limit)

    return holds


def _low_saturation_in_distress(facts: CaseFacts) -> bool:
    breath = facts.value("rr_bpm")
    distress = (
        _danger_breath(facts)
        if not age_bands.is_adult(facts.age_years)
        else (breath is not None and breath >= 25)
    )
    return _low_saturation(90)(facts) and (distress or facts.consciousness in _NOT_ALERT)


def _infant_fever(facts: CaseFacts) -> bool:
    value, age = facts.value("temp_c"), facts.age_years
    return (
        value is not None
        and age is not None
        and age < age_bands.YOUNG_INFANT_YEARS
        and value > 38.0
    )


def _child_temperature(facts: CaseFacts) -> bool:
    value = facts.value("temp_c")
    return (
        value is not None
        and not age_bands.is_adult(facts.age_years)
        and (value > 39.0 or value < 36.0)
    )


def _shock_index_over(factor: float) -> Callable[[CaseFacts], bool]:
    def holds(facts: CaseFacts) -> bool:
        index, limit = shock_index(facts), age_bands.shock_index_limit(facts.age_years)
        return index is not None and limit is not None and index > limit * factor - 1e-9

    return holds


def _news_at_least(limit: int) -> Callable[[CaseFacts], bool]:
    def holds(facts: CaseFacts) -> bool:
        score = news2(facts)
        return score is not None and score.score >= limit

    return holds


def _news_single_three(facts: CaseFacts) -> bool:
    score = news2(facts)
    return score is not None and score.single_three


def _news_detail(facts: CaseFacts) -> str:
    score = news2(facts)
    if score is None:
        return ""
    return f"NEWS2 {score.score}" + ("" if score.complete else " or more, incomplete")


def _sepsis_signs(facts: CaseFacts) -> bool:
    """qSOFA of two or more."""
    breath, systolic = facts.value("rr_bpm"), facts.value("sbp_mmhg")
    signs = (
        breath is not None and breath >= 22,
        systolic is not None and systolic <= 100,
        facts.consciousness in _NOT_ALERT,
    )
    return sum(signs) >= 2


def _alert(**vitals: object) -> dict[str, object]:
    return {"age_years": 40, "consciousness": "alert", **vitals}


VITAL_RULES: Final[tuple[VitalRule, ...]] = (
    VitalRule(code="V0-COMA", label="responds to pain only or not at all", min_priority=0, source=ESI,
        holds=lambda facts: facts.consciousness in _COMA,
        fires=({"consciousness": "pain"}, {"consciousness": "unresponsive"}), silent=({"consciousness": "voice"}, _alert())),
    VitalRule(code="V0-UNMEASURABLE-NOT-ALERT", label="vital sign could not be measured, not alert", min_priority=0, source=NET,
        holds=lambda facts: num_unmeasurable(facts) > 0 and facts.consciousness in _NOT_ALERT,
        fires=({"consciousness": "voice", "sbp_mmhg": "unmeasurable"},), silent=(_alert(sbp_mmhg="unmeasurable"), {"consciousness": "voice"})),
    VitalRule(code="V0-UNMEASURABLE-ALL", label="pulse, breathing and blood pressure could not be measured", min_priority=0, source=NET,
        holds=lambda facts: num_unmeasurable(facts) >= 3,
        fires=(_alert(sbp_mmhg="unmeasurable", hr_bpm="unmeasurable", rr_bpm="unmeasurable"),), silent=(_alert(sbp_mmhg="unmeasurable"), _alert())),
    VitalRule(code="V0-SBP", label="blood pressure of shock", min_priority=0, source=NET, holds=_below("sbp_mmhg", 70, adults=True), detail=_shows("sbp_mmhg"),
        fires=(_alert(sbp_mmhg=69),), silent=(_alert(sbp_mmhg=70), {"age_years": 0.5, "sbp_mmhg": 69})),
    VitalRule(code="V0-SPO2", label="oxygen saturation critically low", min_priority=0, source=NET, holds=_below("spo2_percent", 80), detail=_shows("spo2_percent"),
        fires=(_alert(spo2_percent=79),), silent=(_alert(spo2_percent=80),)),
    VitalRule(code="V0-SPO2-DISTRESS", label="low oxygen saturation with distress", min_priority=0, source=CTAS, holds=_low_saturation_in_distress, detail=_shows("spo2_percent"),
        fires=(_alert(spo2_percent=89, rr_bpm=28), {"age_years": 2, "spo2_percent": 88, "rr_bpm": 45}),
        silent=(_alert(spo2_percent=89, rr_bpm=18), _alert(spo2_percent=89, rr_bpm=28, spo2_scale_2=True))),
    VitalRule(code="V0-RR", label="hardly breathing", min_priority=0, source=ESI, holds=_below("rr_bpm", 6), detail=_shows("rr_bpm"), fires=(_alert(rr_bpm=4),), silent=(_alert(rr_bpm=8),)),
    VitalRule(code="V1-NOT-ALERT", label="not fully alert", min_priority=1, source=ESI, holds=lambda facts: facts.consciousness in {Consciousness.CONFUSED, Consciousness.VOICE},
        fires=({"consciousness": "confused"}, {"consciousness": "voice"}), silent=(_alert(), {})),
    VitalRule(code="V1-UNMEASURABLE", label="vital sign could not be measured", min_priority=1, source=NET, holds=lambda facts: num_unmeasurable(facts) >= 1,
        fires=(_alert(sbp_mmhg="unmeasurable"),), silent=(_alert(), {})),
    VitalRule(code="V1-SPO2", label="low oxygen saturation", min_priority=1, source=CTAS, holds=_low_saturation(92), detail=_shows("spo2_percent"),
        fires=(_alert(spo2_percent=91), {"age_years": 1, "spo2_percent": 91}), silent=(_alert(spo2_percent=92), _alert(spo2_percent=90, spo2_scale_2=True))),
    VitalRule(code="V1-HR-HIGH", label="very fast heart", min_priority=1, source=NET, holds=_adult(_at_least("hr_bpm", 130.5)), detail=_shows("hr_bpm"),
        fires=(_alert(hr_bpm=131),), silent=(_alert(hr_bpm=130), {"age_years": 0.5, "hr_bpm": 150})),
    VitalRule(code="V1-HR-LOW", label="very slow heart", min_priority=1, source=NET, holds=_below("hr_bpm", 40, adults=True), detail=_shows("hr_bpm"), fires=(_alert(hr_bpm=39),), silent=(_alert(hr_bpm=40),)),
    VitalRule(code="V1-RR-HIGH", label="very fast breathing", min_priority=1, source=NET, holds=_at_least("rr_bpm", 25, adults=True), detail=_shows("rr_bpm"), fires=(_alert(rr_bpm=25),), silent=(_alert(rr_bpm=24), {"age_years": 1, "rr_bpm": 30})),
    VitalRule(code="V1-RR-LOW", label="slow breathing", min_priority=1, source=NET, holds=_below("rr_bpm", 10, adults=True), detail=_shows("rr_bpm"), fires=(_alert(rr_bpm=9),), silent=(_alert(rr_bpm=10),)),
    VitalRule(code="V1-SBP-LOW", label="low blood pressure", min_priority=1, source="PALS definition of hypotension; adults: " + NET, holds=_hypotensive, detail=_shows("sbp_mmhg"),
        fires=(_alert(sbp_mmhg=89), {"age_years": 4, "sbp_mmhg": 76}), silent=(_alert(sbp_mmhg=90), {"age_years": 4, "sbp_mmhg": 80})),
    VitalRule(code="V1-SBP-HIGH", label="very high blood pressure", min_priority=1, source=NET, holds=_at_least("sbp_mmhg", 220), detail=_shows("sbp_mmhg"), fires=(_alert(sbp_mmhg=220),), silent=(_alert(sbp_mmhg=219),)),
    VitalRule(code="V1-TEMP-HIGH", label="very high temperature", min_priority=1, source=NET, holds=_at_least("temp_c", 40), detail=_shows("temp_c"), fires=(_alert(temp_c=40),), silent=(_alert(temp_c=39.9),)),
    VitalRule(code="V1-TEMP-LOW", label="very low temperature", min_priority=1, source=NET, holds=_below("temp_c", 35), detail=_shows("temp_c"), fires=(_alert(temp_c=34.9),), silent=(_alert(temp_c=35),)),
    VitalRule(code="V1-CHILD-HEART", label="heart rate in the danger zone for this age", min_priority=1, source=ESI, holds=_child(_danger_heart), detail=_shows("hr_bpm"),
        fires=({"age_years": 2, "hr_bpm": 141}, {"age_years": 0.5, "hr_bpm": 181}), silent=({"age_years": 2, "hr_bpm": 140}, _alert(hr_bpm=120))),
    VitalRule(code="V1-CHILD-BREATH", label="breathing rate in the danger zone for this age", min_priority=1, source=ESI, holds=_child(_danger_breath), detail=_shows("rr_bpm"),
        fires=({"age_years": 8, "rr_bpm": 31},), silent=({"age_years": 8, "rr_bpm": 30}, _alert(rr_bpm=22))),
    VitalRule(code="V1-CHILD-SLOW", label="heart or breathing too slow for this age", min_priority=1, source="PALS resting ranges", holds=_child(_child_slow),
        fires=({"age_years": 2, "hr_bpm": 60}, {"age_years": 0.5, "rr_bpm": 18}), silent=({"age_years": 2, "hr_bpm": 90}, _alert(hr_bpm=45))),
    VitalRule(code="V1-INFANT-FEVER", label="fever in a young infant", min_priority=1, source=ESI, holds=_infant_fever, detail=_shows("temp_c"),
        fires=({"age_years": 0.1, "temp_c": 38.1},), silent=({"age_years": 0.1, "temp_c": 38.0}, {"age_years": 0.5, "temp_c": 38.5})),
    VitalRule(code="V1-SHOCK-INDEX", label="heart rate far above blood pressure", min_priority=1, source="shock index; SIPA for children", holds=_shock_index_over(1.3),
        fires=(_alert(hr_bpm=124, sbp_mmhg=95),), silent=(_alert(hr_bpm=100, sbp_mmhg=95), {"age_years": 2, "hr_bpm": 130, "sbp_mmhg": 95})),
    VitalRule(code="V1-NEWS2", label="early warning score of an emergency", min_priority=1, source=NEWS2_SOURCE, holds=_news_at_least(7), detail=_news_detail,
        fires=(_alert(rr_bpm=24, spo2_percent=93, hr_bpm=112, temp_c=38.2),), silent=(_alert(rr_bpm=18, hr_bpm=80), {"age_years": 10, "rr_bpm": 28, "hr_bpm": 119, "temp_c": 39.2})),
    VitalRule(code="V1-QSOFA", label="signs of sepsis in the vital signs", min_priority=1, source="qSOFA (Sepsis-3, 2016)", holds=_adult(_sepsis_signs),
        fires=(_alert(rr_bpm=24, sbp_mmhg=98),), silent=(_alert(rr_bpm=24, sbp_mmhg=120), _alert())),
    VitalRule(code="V2-NEWS2", label="raised early warning score", min_priority=2, source=NEWS2_SOURCE, holds=_news_at_least(5), detail=_news_detail,
        fires=(_alert(rr_bpm=22, hr_bpm=112, temp_c=38.2),), silent=(_alert(rr_bpm=18),)),
    VitalRule(code="V2-NEWS2-SINGLE", label="one vital sign far from normal", min_priority=2, source=NEWS2_SOURCE, holds=_news_single_three, detail=_news_detail,
        fires=(_alert(temp_c=35.0),), silent=(_alert(temp_c=36.5), {})),
    VitalRule(code="V2-SHOCK-INDEX", label="heart rate above blood pressure", min_priority=2, source="shock index; SIPA for children", holds=_shock_index_over(1.0),
        fires=(_alert(hr_bpm=100, sbp_mmhg=100), {"age_years": 5, "hr_bpm": 119, "sbp_mmhg": 97}), silent=(_alert(hr_bpm=80, sbp_mmhg=120),)),
    VitalRule(code="V2-ADULT-HEART", label="fast heart", min_priority=2, source=ESI, holds=_adult(_at_least("hr_bpm", 110)), detail=_shows("hr_bpm"), fires=(_alert(hr_bpm=110),), silent=(_alert(hr_bpm=109),)),
    VitalRule(code="V2-ADULT-BREATH", label="fast breathing", min_priority=2, source=ESI, holds=_adult(_at_least("rr_bpm", 22)), detail=_shows("rr_bpm"), fires=(_alert(rr_bpm=22),), silent=(_alert(rr_bpm=20),)),
    VitalRule(code="V2-SPO2", label="oxygen saturation a little low", min_priority=2, source=CTAS, holds=_low_saturation(94.5), detail=_shows("spo2_percent"),
        fires=(_alert(spo2_percent=94),), silent=(_alert(spo2_percent=95), _alert(spo2_percent=90, spo2_scale_2=True))),
    VitalRule(code="V2-CHILD-TEMP", label="high or low temperature in a child", min_priority=2, source=ESI, holds=_child_temperature, detail=_shows("temp_c"),
        fires=({"age_years": 2, "temp_c": 39.1}, {"age_years": 2, "temp_c": 35.9}), silent=({"age_years": 2, "temp_c": 38.5}, _alert(temp_c=39.5))),
)  # fmt: skip
