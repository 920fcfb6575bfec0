"""Every rule on figures: cases that it holds for, and neighbours that it does not."""

from __future__ import annotations

from typing import Any

import pytest

from triage_site.triage.facts import CaseFacts
from triage_site.triage.reading.measured import measure
from triage_site.triage.reading.note import read
from triage_site.triage.signs.vital_rules import VITAL_RULES

_ALERT: dict[str, Any] = {"age_years": 40, "consciousness": "alert"}
FIRES: list[tuple[str, dict[str, Any]]] = [
    ("V0-COMA", {"consciousness": "pain"}),
    ("V0-COMA", {"consciousness": "unresponsive"}),
    ("V0-UNMEASURABLE-NOT-ALERT", {"consciousness": "voice", "sbp_mmhg": "unmeasurable"}),
    ("V0-UNMEASURABLE-ALL", dict.fromkeys(("sbp_mmhg", "hr_bpm", "rr_bpm"), "unmeasurable")),
    ("V0-SBP", {**_ALERT, "sbp_mmhg": 69}),
    ("V0-SPO2", {**_ALERT, "spo2_percent": 79}),
    ("V0-SPO2-DISTRESS", {**_ALERT, "spo2_percent": 89, "rr_bpm": 28}),
    ("V0-SPO2-DISTRESS", {"age_years": 2, "spo2_percent": 88, "rr_bpm": 45}),
    ("V0-NO-PULSE", {"hr_bpm": 0}),
    ("V0-NO-BREATH", {"age_years": 2, "rr_bpm": 0}),
    ("V0-RR", {**_ALERT, "rr_bpm": 4}),
    ("V1-NOT-ALERT", {"consciousness": "confused"}),
    ("V1-NOT-ALERT", {"consciousness": "voice"}),
    ("V1-UNMEASURABLE", {**_ALERT, "sbp_mmhg": "unmeasurable"}),
    ("V1-SPO2", {**_ALERT, "spo2_percent": 91}),
    ("V1-SPO2", {"age_years": 1, "spo2_percent": 91}),
    ("V1-HR-HIGH", {**_ALERT, "hr_bpm": 131}),
    ("V1-HR-LOW", {**_ALERT, "hr_bpm": 39}),
    ("V1-RR-HIGH", {**_ALERT, "rr_bpm": 25}),
    ("V1-RR-LOW", {**_ALERT, "rr_bpm": 9}),
    ("V1-SBP-LOW", {**_ALERT, "sbp_mmhg": 89}),
    ("V1-SBP-LOW", {"age_years": 4, "sbp_mmhg": 76}),
    ("V1-SBP-HIGH", {**_ALERT, "sbp_mmhg": 220}),
    ("V1-TEMP-HIGH", {**_ALERT, "temp_c": 40}),
    ("V1-TEMP-LOW", {**_ALERT, "temp_c": 34.9}),
    ("V1-CHILD-HEART", {"age_years": 2, "hr_bpm": 141}),
    ("V1-CHILD-HEART", {"age_years": 0.5, "hr_bpm": 181}),
    ("V1-CHILD-BREATH", {"age_years": 8, "rr_bpm": 31}),
    ("V1-CHILD-SLOW", {"age_years": 2, "hr_bpm": 60}),
    ("V1-CHILD-SLOW", {"age_years": 0.5, "rr_bpm": 18}),
    ("V1-INFANT-FEVER", {"age_years": 0.1, "temp_c": 38.1}),
    ("V1-SHOCK-INDEX", {**_ALERT, "hr_bpm": 124, "sbp_mmhg": 95}),
    ("V1-NEWS2", {**_ALERT, "rr_bpm": 24, "spo2_percent": 93, "hr_bpm": 112, "temp_c": 38.2}),
    ("V1-QSOFA", {**_ALERT, "rr_bpm": 24, "sbp_mmhg": 98}),
    ("V2-NEWS2", {**_ALERT, "rr_bpm": 22, "hr_bpm": 112, "temp_c": 38.2}),
    ("V2-NEWS2-SINGLE", {**_ALERT, "temp_c": 35.0}),
    ("V2-SHOCK-INDEX", {**_ALERT, "hr_bpm": 100, "sbp_mmhg": 100}),
    ("V2-SHOCK-INDEX", {"age_years": 5, "hr_bpm": 119, "sbp_mmhg": 97}),
    ("V2-SHOCK-INDEX-TEEN", {"age_years": 14, "hr_bpm": 99, "sbp_mmhg": 106}),
    ("V2-ADULT-HEART", {**_ALERT, "hr_bpm": 110}),
    ("V2-ADULT-BREATH", {**_ALERT, "rr_bpm": 22}),
    ("V2-SPO2", {**_ALERT, "spo2_percent": 94}),
    ("V2-CHILD-TEMP", {"age_years": 2, "temp_c": 39.1}),
    ("V2-CHILD-TEMP", {"age_years": 2, "temp_c": 35.9}),
]  # fmt: skip
SILENT: list[tuple[str, dict[str, Any]]] = [
    ("V0-COMA", {"consciousness": "voice"}),
    ("V0-COMA", {**_ALERT}),
    ("V0-UNMEASURABLE-NOT-ALERT", {**_ALERT, "sbp_mmhg": "unmeasurable"}),
    ("V0-UNMEASURABLE-NOT-ALERT", {"consciousness": "voice"}),
    ("V0-UNMEASURABLE-ALL", {**_ALERT, "sbp_mmhg": "unmeasurable"}),
    ("V0-UNMEASURABLE-ALL", {**_ALERT}),
    ("V0-SBP", {**_ALERT, "sbp_mmhg": 70}),
    ("V0-SBP", {"age_years": 0.5, "sbp_mmhg": 69}),
    ("V0-SPO2", {**_ALERT, "spo2_percent": 80}),
    ("V0-SPO2-DISTRESS", {**_ALERT, "spo2_percent": 89, "rr_bpm": 18}),
    ("V0-SPO2-DISTRESS", {**_ALERT, "spo2_percent": 89, "rr_bpm": 28, "spo2_scale_2": True}),
    ("V0-NO-PULSE", {"hr_bpm": 20}),
    ("V0-NO-BREATH", {"rr_bpm": 1}),
    ("V0-RR", {**_ALERT, "rr_bpm": 8}),
    ("V1-NOT-ALERT", {**_ALERT}),
    ("V1-NOT-ALERT", {}),
    ("V1-UNMEASURABLE", {**_ALERT}),
    ("V1-UNMEASURABLE", {}),
    ("V1-SPO2", {**_ALERT, "spo2_percent": 92}),
    ("V1-SPO2", {**_ALERT, "spo2_percent": 90, "spo2_scale_2": True}),
    ("V1-HR-HIGH", {**_ALERT, "hr_bpm": 130}),
    ("V1-HR-HIGH", {"age_years": 0.5, "hr_bpm": 150}),
    ("V1-HR-LOW", {**_ALERT, "hr_bpm": 40}),
    ("V1-RR-HIGH", {**_ALERT, "rr_bpm": 24}),
    ("V1-RR-HIGH", {"age_years": 1, "rr_bpm": 30}),
    ("V1-RR-LOW", {**_ALERT, "rr_bpm": 10}),
    ("V1-SBP-LOW", {**_ALERT, "sbp_mmhg": 90}),
    ("V1-SBP-LOW", {"age_years": 4, "sbp_mmhg": 80}),
    ("V1-SBP-HIGH", {**_ALERT, "sbp_mmhg": 219}),
    ("V1-TEMP-HIGH", {**_ALERT, "temp_c": 39.9}),
    ("V1-TEMP-LOW", {**_ALERT, "temp_c": 35}),
    ("V1-CHILD-HEART", {"age_years": 2, "hr_bpm": 140}),
    ("V1-CHILD-HEART", {**_ALERT, "hr_bpm": 120}),
    ("V1-CHILD-BREATH", {"age_years": 8, "rr_bpm": 30}),
    ("V1-CHILD-BREATH", {**_ALERT, "rr_bpm": 22}),
    ("V1-CHILD-SLOW", {"age_years": 2, "hr_bpm": 90}),
    ("V1-CHILD-SLOW", {"age_years": 2, "hr_bpm": 0, "rr_bpm": 0}),
    ("V1-CHILD-SLOW", {**_ALERT, "hr_bpm": 45}),
    ("V1-INFANT-FEVER", {"age_years": 0.1, "temp_c": 38.0}),
    ("V1-INFANT-FEVER", {"age_years": 0.5, "temp_c": 38.5}),
    ("V1-SHOCK-INDEX", {**_ALERT, "hr_bpm": 100, "sbp_mmhg": 95}),
    ("V1-SHOCK-INDEX", {"age_years": 2, "hr_bpm": 130, "sbp_mmhg": 95}),
    ("V1-NEWS2", {**_ALERT, "rr_bpm": 18, "hr_bpm": 80}),
    ("V1-NEWS2", {"age_years": 10, "rr_bpm": 28, "hr_bpm": 119, "temp_c": 39.2}),
    ("V1-QSOFA", {**_ALERT, "rr_bpm": 24, "sbp_mmhg": 120}),
    ("V1-QSOFA", {**_ALERT}),
    ("V2-NEWS2", {**_ALERT, "rr_bpm": 18}),
    ("V2-NEWS2-SINGLE", {**_ALERT, "temp_c": 36.5}),
    ("V2-NEWS2-SINGLE", {}),
    ("V2-SHOCK-INDEX", {**_ALERT, "hr_bpm": 80, "sbp_mmhg": 120}),
    ("V2-SHOCK-INDEX", {"age_years": 14, "hr_bpm": 99, "sbp_mmhg": 106}),
    ("V2-SHOCK-INDEX-TEEN", {"age_years": 14, "hr_bpm": 99, "sbp_mmhg": 120}),
    ("V2-ADULT-HEART", {**_ALERT, "hr_bpm": 109}),
    ("V2-ADULT-BREATH", {**_ALERT, "rr_bpm": 20}),
    ("V2-SPO2", {**_ALERT, "spo2_percent": 95}),
    ("V2-SPO2", {**_ALERT, "spo2_percent": 90, "spo2_scale_2": True}),
    ("V2-CHILD-TEMP", {"age_years": 2, "temp_c": 38.5}),
    ("V2-CHILD-TEMP", {**_ALERT, "temp_c": 39.5}),
]  # fmt: skip
TOLD = {
    "V1-OXYGEN": ("SpO2 97% on 15 L O2", "SpO2 97% on 2 L O2"),
    "V0-TEWS": ("TEWS 7", "TEWS 6"),
    "V1-TEWS": ("TEWS 5", "TEWS 4"),
    "V2-TEWS": ("TEWS 3", "TEWS 2"),
    "V1-QSOFA-TOLD": ("qSOFA 2", "qSOFA 1"),
    "V1-OXYGEN-SHARE": ("FiO2 0.5", "FiO2 0.28"),
    "V1-OXYGEN-PRESSURE": ("PaO2 7.1 kPa", "PaO2 10.5 kPa"),
    "V1-OXYGEN-RATIO": ("P/F 150", "P/F 350"),
    "V1-PEAK-FLOW-SHARE": ("PEF 150, best 450", "PEF 400, best 450"),
    "V1-PEAK-FLOW": ("peak flow 90", "peak flow 380"),
    "V1-MAP-LOW": ("MAP 52", "MAP 75"),
    "V1-CAPILLARY-REFILL": ("CRT 6 s", "CRT 2 s"),
    "V2-CAPILLARY-REFILL": ("cap refill 4 seconds", "cap refill 3 seconds"),
    "V1-SODIUM": ("Na 109", "Na 138"),
    "V2-SODIUM": ("sodium 123", "sodium 130"),
    "V1-PH": ("pH 7.05", "pH 7.38"),
    "V2-PH": ("pH 7.25", "pH 7.34"),
    "V1-HAEMOGLOBIN": ("Hb 42", "Hb 98"),
    "V2-HAEMOGLOBIN": ("Hb 6.8", "Hb 7.4"),
    "V1-PLATELETS": ("platelets 8,000", "platelets 90"),
    "V1-NEWS-TOLD": ("NEWS2 9", "NEWS2 6"),
    "V2-NEWS-TOLD": ("NEWS2 score 5", "NEWS2 score 4"),
    "V1-GLUCOSE-LOW": ("BGL 2.1", "BGL 3.4"),
    "V1-GLUCOSE-HIGH": ("glucose 34", "glucose 20"),
    "V1-KETONES": ("ketones 5.8", "ketones 0.4"),
    "V1-POTASSIUM": ("K 7.2", "K 5.9"),
    "V1-LACTATE": ("lactate 5.1", "lactate 1.1"),
    "V2-GLUCOSE": ("sugar 22", "sugar 9"),
    "V2-POTASSIUM": ("potassium of 5.9", "potassium of 4.4"),
    "V2-LACTATE": ("lactate 2.5", "lactate 1.9"),
}


def _codes(facts: CaseFacts) -> set[str]:
    measured = measure(facts, read(facts.text))
    return {rule.code for rule in VITAL_RULES if rule.holds(measured)}


@pytest.mark.parametrize(("code", "known"), FIRES)
def test_a_rule_holds(code: str, known: dict[str, Any]) -> None:
    assert code in _codes(CaseFacts.from_dict({"text": "", **known}))


@pytest.mark.parametrize(("code", "known"), SILENT)
def test_a_rule_does_not_hold(code: str, known: dict[str, Any]) -> None:
    assert code not in _codes(CaseFacts.from_dict({"text": "", **known}))


@pytest.mark.parametrize("code", TOLD)
def test_figures_of_the_text_count(code: str) -> None:
    fires, silent = TOLD[code]
    assert code in _codes(CaseFacts(text=fires))
    assert code not in _codes(CaseFacts(text=silent))


def test_every_rule_is_tried() -> None:
    assert {rule.code for rule in VITAL_RULES} == {code for code, _ in FIRES} | set(TOLD)
