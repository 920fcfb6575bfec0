"""Rules on measured values: absolute limits, danger zones by age, NEWS2, shock index, glucose.

A row holds where its test does; the test sees the facts and the figures that were read in the
text. The examples of each row are in `test_vital_rules.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from triage_site.triage import age_bands
from triage_site.triage.facts import UNMEASURABLE, CaseFacts, Consciousness
from triage_site.triage.news2 import SOURCE as NEWS2
from triage_site.triage.news2 import news2
from triage_site.triage.reading.measured import Measured

ESI: Final = "ESI v5 (ENA 2023), own words"
CTAS: Final = "CTAS/KTAS first-order modifiers, own words"
NET: Final = "safety-net list of this project; to be confirmed by a clinician"
SATS: Final = "South African Triage Scale, TEWS bands"
PALS: Final = "PALS resting ranges and definition of hypotension"
_CORE: Final = ("hr_bpm", "rr_bpm", "sbp_mmhg", "spo2_percent")
_SHOWN: Final = {
    "hr_bpm": "heart rate {:g}/min", "rr_bpm": "breathing rate {:g}/min",
    "sbp_mmhg": "systolic pressure {:g} mmHg", "spo2_percent": "oxygen saturation {:g} %",
    "temp_c": "temperature {:g} °C", "glucose": "glucose {:g} mmol/l",
    "potassium": "potassium {:g} mmol/l", "lactate": "lactate {:g} mmol/l",
    "ketones": "ketones {:g} mmol/l", "gcs": "GCS {:g}", "news": "early warning score {:g}",
    "oxygen_litres": "{:g} litres of oxygen", "fio2_percent": "{:g} % oxygen",
    "po2_kpa": "arterial oxygen {:g} kPa", "pf_ratio": "PaO2/FiO2 {:g} mmHg",
    "sodium": "sodium {:g} mmol/l", "ph": "pH {:g}", "haemoglobin": "haemoglobin {:g} g/dl",
    "platelets": "platelets {:g} thousand", "map_mmhg": "mean pressure {:g} mmHg",
    "cap_refill_seconds": "capillary refill {:g} s", "peak_flow": "peak flow {:g} l/min",
    "peak_flow_percent": "peak flow {:g} % of best", "tews": "early warning score {:g}",
    "qsofa": "qSOFA {:g}",
}  # fmt: skip
_COMA: Final = frozenset({Consciousness.PAIN, Consciousness.UNRESPONSIVE})
_DROWSY: Final = frozenset({Consciousness.CONFUSED, Consciousness.VOICE})
_NOT_ALERT: Final = _COMA | _DROWSY
Test = Callable[[Measured], bool]


@dataclass(frozen=True, slots=True)
class VitalRule:
    code: str
    label: str
    min_priority: int
    source: str
    holds: Test
    shows: str = ""  # the value named beside the label

    def detail(self, measured: Measured) -> str:
        if self.shows == "news2":
            return _news_detail(measured.facts)
        if self.shows == "gcs" and measured.told is not None:
            return measured.told.words if measured.is_worse_in_the_note else ""
        value = _value(measured, self.shows) if self.shows else None
        return "" if value is None else _SHOWN[self.shows].format(value)


def shock_index(facts: CaseFacts) -> float | None:
    heart, systolic = facts.value("hr_bpm"), facts.value("sbp_mmhg")
    return heart / systolic if heart is not None and systolic else None


def num_unmeasurable(facts: CaseFacts) -> int:
    return sum(getattr(facts, vital) is UNMEASURABLE for vital in _CORE)


def _value(measured: Measured, name: str) -> float | None:
    return measured.extra[name] if name in measured.extra else (
        measured.facts.value(name) if hasattr(measured.facts, name) else None
    )  # fmt: skip


def _adult(test: Test) -> Test:
    return lambda m: age_bands.is_adult(m.facts.age_years) and test(m)


def _child(test: Test) -> Test:
    return lambda m: not age_bands.is_adult(m.facts.age_years) and test(m)


def _below(name: str, limit: float) -> Test:
    def holds(measured: Measured) -> bool:
        value = _value(measured, name)
        return value is not None and value < limit

    return holds


def _at_least(name: str, limit: float) -> Test:
    def holds(measured: Measured) -> bool:
        value = _value(measured, name)
        return value is not None and value >= limit

    return holds


def _either(*tests: Test) -> Test:
    return lambda m: any(test(m) for test in tests)


def _both(*tests: Test) -> Test:
    return lambda m: all(test(m) for test in tests)


def _aware(*levels: Consciousness) -> Test:
    return lambda m: m.state in levels


def _unmeasurable(least: int) -> Test:
    return lambda m: num_unmeasurable(m.facts) >= least


def _low_saturation(limit: float) -> Test:
    """Not counted where 88-92 % is the agreed target: there NEWS2 scale 2 speaks."""

    def holds(measured: Measured) -> bool:
        scale_2 = measured.facts.spo2_scale_2
        return _below("spo2_percent", min(limit, 88.0) if scale_2 else limit)(measured)

    return holds


def _in_danger_zone(vital: str) -> Test:
    def holds(measured: Measured) -> bool:
        band, value = age_bands.band(measured.facts.age_years), _value(measured, vital)
        limit = band.danger_heart if vital == "hr_bpm" else band.danger_breath
        return value is not None and value > limit

    return holds


def _distress(measured: Measured) -> bool:
    breath = _value(measured, "rr_bpm")
    if not age_bands.is_adult(measured.facts.age_years):
        return _in_danger_zone("rr_bpm")(measured)
    return breath is not None and breath >= 25


def _child_slow(measured: Measured) -> bool:
    heart, breath = _value(measured, "hr_bpm"), _value(measured, "rr_bpm")
    band = age_bands.band(measured.facts.age_years)
    return (heart is not None and 0 < heart < band.heart[0] * 0.8) or (
        breath is not None and 0 < breath < band.breath[0] * 0.7
    )


def _hypotensive(measured: Measured) -> bool:
    limit = age_bands.hypotension_below(measured.facts.age_years)
    return _below("sbp_mmhg", limit)(measured)


def _infant_fever(measured: Measured) -> bool:
    value, age = _value(measured, "temp_c"), measured.facts.age_years
    young = age is not None and age < age_bands.YOUNG_INFANT_YEARS
    return young and value is not None and value > 38.0


def _child_temperature(measured: Measured) -> bool:
    value = _value(measured, "temp_c")
    return value is not None and (value > 39.0 or value < 36.0)


def _shock_index_over(factor: float) -> Test:
    def holds(measured: Measured) -> bool:
        limit = age_bands.shock_index_limit(measured.facts.age_years)
        index = shock_index(measured.facts)
        return index is not None and limit is not None and index > limit * factor - 1e-9

    return holds


def _heart_above_pressure(measured: Measured) -> bool:
    index = shock_index(measured.facts)
    return index is not None and index > 1.0 - 1e-9


def _news_at_least(limit: int) -> Test:
    def holds(measured: Measured) -> bool:
        score = news2(measured.facts)
        return score is not None and score.score >= limit

    return holds


def _news_single_three(measured: Measured) -> bool:
    score = news2(measured.facts)
    return score is not None and score.single_three


def _news_detail(facts: CaseFacts) -> str:
    score = news2(facts)
    if score is None:
        return ""
    return f"NEWS2 {score.score}" + ("" if score.complete else " or more, incomplete")


def _sepsis_signs(measured: Measured) -> bool:
    """qSOFA of two or more."""
    facts = measured.facts
    breath, systolic = facts.value("rr_bpm"), facts.value("sbp_mmhg")
    signs = (
        breath is not None and breath >= 22,
        systolic is not None and systolic <= 100,
        measured.state in _NOT_ALERT,
    )
    return sum(signs) >= 2


_R = VitalRule
VITAL_RULES: Final[tuple[VitalRule, ...]] = (
    _R("V0-COMA", "responds to pain only or not at all", 0, ESI, _aware(*_COMA), "gcs"),
    _R("V0-UNMEASURABLE-NOT-ALERT", "vital sign could not be measured, not alert", 0, NET,
       _both(_unmeasurable(1), _aware(*_NOT_ALERT))),
    _R("V0-UNMEASURABLE-ALL", "pulse, breathing and blood pressure could not be measured", 0, NET,
       _unmeasurable(3)),
    _R("V0-SBP", "blood pressure of shock", 0, NET, _adult(_below("sbp_mmhg", 70)), "sbp_mmhg"),
    _R("V0-SPO2", "oxygen saturation critically low", 0, NET, _below("spo2_percent", 80),
       "spo2_percent"),
    _R("V0-SPO2-DISTRESS", "low oxygen saturation with distress", 0, CTAS,
       _both(_low_saturation(90), _either(_distress, _aware(*_NOT_ALERT))), "spo2_percent"),
    _R("V0-NO-PULSE", "no pulse", 0, NET, _below("hr_bpm", 1), "hr_bpm"),
    _R("V0-NO-BREATH", "not breathing", 0, NET, _below("rr_bpm", 1), "rr_bpm"),
    _R("V0-RR", "hardly breathing", 0, ESI, _below("rr_bpm", 6), "rr_bpm"),
    _R("V0-TEWS", "early warning score of a resuscitation, as told", 0, SATS,
       _at_least("tews", 7), "tews"),
    _R("V1-NOT-ALERT", "not fully alert", 1, ESI, _aware(*_DROWSY), "gcs"),
    _R("V1-UNMEASURABLE", "vital sign could not be measured", 1, NET, _unmeasurable(1)),
    _R("V1-SPO2", "low oxygen saturation", 1, CTAS, _low_saturation(92), "spo2_percent"),
    _R("V1-OXYGEN", "needs much oxygen", 1, NET, _at_least("oxygen_litres", 10), "oxygen_litres"),
    _R("V1-OXYGEN-SHARE", "needs much oxygen", 1, NET, _at_least("fio2_percent", 50),
       "fio2_percent"),
    _R("V1-OXYGEN-PRESSURE", "low oxygen in the blood", 1, "respiratory failure: PaO2 below 8 kPa",
       _below("po2_kpa", 8.0), "po2_kpa"),
    _R("V1-OXYGEN-RATIO", "low oxygen in the blood for the oxygen given", 1,
       "Berlin definition of ARDS", _below("pf_ratio", 200), "pf_ratio"),
    _R("V1-PEAK-FLOW-SHARE", "peak flow below half of best", 1, "BTS/SIGN asthma severity",
       _below("peak_flow_percent", 50), "peak_flow_percent"),
    _R("V1-PEAK-FLOW", "very low peak flow", 1, NET, _adult(_below("peak_flow", 100)),
       "peak_flow"),
    _R("V1-MAP-LOW", "low mean blood pressure", 1, NET, _adult(_below("map_mmhg", 60)),
       "map_mmhg"),
    _R("V1-CAPILLARY-REFILL", "poor perfusion", 1, NET, _at_least("cap_refill_seconds", 5),
       "cap_refill_seconds"),
    _R("V1-HR-HIGH", "very fast heart", 1, NET, _adult(_at_least("hr_bpm", 130.5)), "hr_bpm"),
    _R("V1-HR-LOW", "very slow heart", 1, NET, _adult(_below("hr_bpm", 40)), "hr_bpm"),
    _R("V1-RR-HIGH", "very fast breathing", 1, NET, _adult(_at_least("rr_bpm", 25)), "rr_bpm"),
    _R("V1-RR-LOW", "slow breathing", 1, NET, _adult(_below("rr_bpm", 10)), "rr_bpm"),
    _R("V1-SBP-LOW", "low blood pressure", 1, PALS, _hypotensive, "sbp_mmhg"),
    _R("V1-SBP-HIGH", "very high blood pressure", 1, NET, _at_least("sbp_mmhg", 220), "sbp_mmhg"),
    _R("V1-TEMP-HIGH", "very high temperature", 1, NET, _at_least("temp_c", 40), "temp_c"),
    _R("V1-TEMP-LOW", "very low temperature", 1, NET, _below("temp_c", 35), "temp_c"),
    _R("V1-CHILD-HEART", "heart rate in the danger zone for this age", 1, ESI,
       _child(_in_danger_zone("hr_bpm")), "hr_bpm"),
    _R("V1-CHILD-BREATH", "breathing rate in the danger zone for this age", 1, ESI,
       _child(_in_danger_zone("rr_bpm")), "rr_bpm"),
    _R("V1-CHILD-SLOW", "heart or breathing too slow for this age", 1, PALS, _child(_child_slow)),
    _R("V1-INFANT-FEVER", "fever in a young infant", 1, ESI, _infant_fever, "temp_c"),
    _R("V1-SHOCK-INDEX", "heart rate far above blood pressure", 1, "shock index; SIPA for children",
       _shock_index_over(1.3)),
    _R("V1-NEWS2", "early warning score of an emergency", 1, NEWS2, _news_at_least(7), "news2"),
    _R("V1-NEWS-TOLD", "early warning score of an emergency, as told", 1, NEWS2,
       _at_least("news", 7), "news"),
    _R("V1-TEWS", "early warning score of an emergency, as told", 1, SATS, _at_least("tews", 5),
       "tews"),
    _R("V1-QSOFA-TOLD", "score of sepsis, as told", 1, "qSOFA (Sepsis-3, 2016)",
       _at_least("qsofa", 2), "qsofa"),
    _R("V1-QSOFA", "vital signs as in sepsis or shock", 1, "qSOFA (Sepsis-3, 2016)",
       _adult(_sepsis_signs)),
    _R("V1-GLUCOSE-LOW", "low blood sugar", 1, CTAS, _below("glucose", 3.0), "glucose"),
    _R("V1-GLUCOSE-HIGH", "very high blood sugar", 1, NET, _at_least("glucose", 28), "glucose"),
    _R("V1-KETONES", "high ketones", 1, NET, _at_least("ketones", 3.0), "ketones"),
    _R("V1-POTASSIUM", "dangerous potassium", 1, NET,
       _either(_at_least("potassium", 6.5), _below("potassium", 2.5)), "potassium"),
    _R("V1-LACTATE", "high lactate", 1, NET, _at_least("lactate", 4.0), "lactate"),
    _R("V1-SODIUM", "dangerous sodium", 1, NET,
       _either(_at_least("sodium", 160), _below("sodium", 120)), "sodium"),
    _R("V1-PH", "severe acidosis or alkalosis", 1, NET,
       _either(_at_least("ph", 7.6), _below("ph", 7.2)), "ph"),
    _R("V1-HAEMOGLOBIN", "very low haemoglobin", 1, NET, _below("haemoglobin", 6.0),
       "haemoglobin"),
    _R("V1-PLATELETS", "very low platelets", 1, NET, _below("platelets", 20), "platelets"),
    _R("V2-GLUCOSE", "blood sugar out of range", 2, NET,
       _either(_below("glucose", 4.0), _at_least("glucose", 18)), "glucose"),
    _R("V2-POTASSIUM", "potassium out of range", 2, NET,
       _either(_at_least("potassium", 5.8), _below("potassium", 3.0)), "potassium"),
    _R("V2-LACTATE", "raised lactate", 2, NET, _at_least("lactate", 2.2), "lactate"),
    _R("V2-SODIUM", "sodium out of range", 2, NET,
       _either(_at_least("sodium", 155), _below("sodium", 125)), "sodium"),
    _R("V2-PH", "acidosis", 2, NET, _below("ph", 7.3), "ph"),
    _R("V2-HAEMOGLOBIN", "low haemoglobin", 2, NET, _below("haemoglobin", 7.0), "haemoglobin"),
    _R("V2-CAPILLARY-REFILL", "slow capillary refill", 2, NET, _at_least("cap_refill_seconds", 4),
       "cap_refill_seconds"),
    _R("V2-TEWS", "raised early warning score, as told", 2, SATS, _at_least("tews", 3), "tews"),
    _R("V2-NEWS2", "raised early warning score", 2, NEWS2, _news_at_least(5), "news2"),
    _R("V2-NEWS-TOLD", "raised early warning score, as told", 2, NEWS2, _at_least("news", 5),
       "news"),
    _R("V2-NEWS2-SINGLE", "one vital sign far from normal", 2, NEWS2, _news_single_three, "news2"),
    _R("V2-SHOCK-INDEX", "heart rate not below blood pressure", 2, "shock index; SIPA for children",
       _both(_shock_index_over(1.0), _heart_above_pressure)),
    _R("V2-SHOCK-INDEX-TEEN", "heart rate high for the blood pressure at this age", 2,
       "shock index; SIPA for children",
       _both(_shock_index_over(1.0), lambda m: not _heart_above_pressure(m))),
    _R("V2-ADULT-HEART", "fast heart", 2, ESI, _adult(_at_least("hr_bpm", 110)), "hr_bpm"),
    _R("V2-ADULT-BREATH", "fast breathing", 2, ESI, _adult(_at_least("rr_bpm", 22)), "rr_bpm"),
    _R("V2-SPO2", "oxygen saturation a little low", 2, CTAS, _low_saturation(94.5), "spo2_percent"),
    _R("V2-CHILD-TEMP", "high or low temperature in a child", 2, ESI, _child(_child_temperature),
       "temp_c"),
)  # fmt: skip
