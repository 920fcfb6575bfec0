"""Values of several notations brought to one unit and name. Pure.

Each function takes a match of `figures.toml` and returns pairs of a kind and a number; none where
the words around say that it is another thing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

Values = list[tuple[str, float]]
EARLIER: Final = "earlier "  # before the kind of a value that the next one took the place of

# Minus 3 to 5 of the Richmond scale of agitation and sedation: by voice, by touch, not at all.
_AVPU: Final = {
    "a": 15.0, "c": 14.0, "v": 12.0, "p": 8.0, "u": 3.0, "3": 12.0, "4": 8.0, "5": 3.0,
}  # fmt: skip
# Blantyre coma score of small children, 0 to 5, as the coma scale of the same level of response.
_BLANTYRE: Final = (3.0, 5.0, 8.0, 10.0, 13.0, 15.0)
# By level, from 1 on; 0 is none.
_REACTION_LEVEL: Final = (15.0, 15.0, 13.0, 11.0, 8.0, 7.0, 6.0, 4.0, 3.0)
_COMA_PART: Final = re.compile(
    r"([evm])(?:yes?|erbal|otor)?(?:\s+(?:opening|response|score))?\W{0,4}([1-6tc])", re.IGNORECASE
)
_COMA_LEAST: Final = 3
_COMA_MOST: Final = {"e": 4, "v": 5, "m": 6}
_REACH: Final = 60  # characters around a value
_NOT_OF_BLOOD: Final = re.compile(
    r"\b(?:urin\w*|dip\w*|leu[ck]\w*|nit\w*|vagin\w*|pool|stomach|gastric|aspirate|ng|pleural|ascit\w*"
    r"|effusion|eye|tear\w*|skin|water|soil|saliva|liquor|semen)\b",
    re.IGNORECASE,
)
_VENOUS: Final = re.compile(r"\b(?:vbg|venous|capillary gas|cbg)\b", re.IGNORECASE)
_ROMANCE: Final = re.compile(r"\b(FC|FR|PA|TA|SpO2|SaO2|Sat\w*|T)\W{0,3}\d")
_MG_OF_GRAM: Final = 1000.0
_GLUCOSE_MG_PER_MMOL: Final = 18.0
_MMHG_PER_KPA: Final = 7.5
_KPA_MOST: Final = 20.0  # a pressure of oxygen without a unit is in kPa up to here
_RATIO_KPA_MOST: Final = 60.0
_GRAM_PER_DL_MOST: Final = 25.0
_COUNT_MOST: Final = 1500.0  # platelets in thousands


def number(written: str) -> float:
    return float(written.replace(",", "."))


def avpu(match: re.Match[str]) -> Values:
    """C is new confusion; a score of 14 alone may be how somebody always is."""
    letter = match.group(1)[0].lower()
    return [("gcs", _AVPU[letter]), *([("new_confusion", 1.0)] if letter == "c" else [])]


def blantyre(match: re.Match[str]) -> Values:
    return [("gcs", _BLANTYRE[int(match.group(1) or match.group(2))])]


def four(match: re.Match[str]) -> Values:
    """The FOUR score as about the Glasgow score of the same share (Wijdicks et al. 2005,
    doi:10.1002/ana.20611: 16 is fully awake)."""
    return [("gcs", float(3 + int(match.group(1)) * 12 // 16))]


def reaction_level(match: re.Match[str]) -> Values:
    """The Reaction Level Scale as about the Glasgow score (Starmark et al. 1988,
    doi:10.1007/BF01400521: 1 is alert, from 4 on unconscious)."""
    return [("gcs", _REACTION_LEVEL[int(match.group(1))])]


def coma_parts(match: re.Match[str]) -> Values:
    """The three parts in any order; T (tube) and C (closed) count one."""
    parts = {
        name.lower(): int(value) if value.isdigit() else 1
        for name, value in _COMA_PART.findall(match.group())
    }
    is_whole = set(parts) == set(_COMA_MOST)
    if not is_whole or any(parts[name] > most for name, most in _COMA_MOST.items()):
        return []
    return [("gcs", float(sum(parts.values())))]


def coma(match: re.Match[str]) -> Values:
    """ "GCS 8 now 15" and "GCS 14 dropping to 9": the last one is of now."""
    numbers = [float(g) for g in match.groups() if g and g.isdigit()]
    if match.re.groups == len(_COMA_MOST):
        return [("gcs", sum(numbers))]
    told = [one for one in numbers if one >= _COMA_LEAST]
    return [*((EARLIER + "gcs", one) for one in told[:-1]), *(("gcs", one) for one in told[-1:])]


def glucose(match: re.Match[str]) -> Values:
    written, unit = match.group(1).lower(), (match.group(2) or "").lower()
    if written[:2] in ("hi", "lo"):
        return [("glucose", 35.0 if written[:2] == "hi" else 1.5)]
    value = number(written)
    if unit == "g/l":
        value *= _MG_OF_GRAM / 10 / _GLUCOSE_MG_PER_MMOL
    elif unit.startswith("mg") or (not unit and value > 35):
        value /= _GLUCOSE_MG_PER_MMOL
    return [("glucose", round(value, 1))]


def pressure_in_cm(match: re.Match[str]) -> Values:
    """Centimetres of mercury: "TA 7/4"."""
    systolic, diastolic = 10 * float(match.group(1)), 10 * float(match.group(2))
    return [("sbp_mmhg", systolic), ("dbp_mmhg", diastolic)] if diastolic < systolic else []


def romance_rate(match: re.Match[str]) -> Values:
    """FC and FR are a club and a catheter size unless another vital sign stands near."""
    near = match.string[max(0, match.start() - _REACH) : match.end() + _REACH]
    if len(set(_ROMANCE.findall(near))) < 2:
        return []
    kind = "hr_bpm" if match.group(1) == "FC" else "rr_bpm"
    return [(kind, float(match.group(2)))]


def given_oxygen(match: re.Match[str]) -> Values:
    """The share of oxygen in what is breathed, as a percentage."""
    written = next(group for group in match.groups() if group)
    return [("fio2_percent", _percent(written))]


def oxygen_and_saturation(match: re.Match[str]) -> Values:
    return [("fio2_percent", _percent(match.group(1))), ("spo2_percent", float(match.group(2)))]


def oxygen_for_saturation(match: re.Match[str]) -> Values:
    """ "needs 10 l to keep 86"."""
    return [("oxygen_litres", float(match.group(1))), ("spo2_percent", float(match.group(2)))]


def _percent(written: str) -> float:
    value = number(written.rstrip("% "))
    return round(100 * value, 1) if value <= 1 else value


def acidity(match: re.Match[str]) -> Values:
    near = match.string[max(0, match.start() - _REACH) : match.end() + _REACH]
    return [] if _NOT_OF_BLOOD.search(near) else [("ph", number(match.group(1)))]


def haemoglobin(match: re.Match[str]) -> Values:
    value = number(match.group(1))
    unit = re.sub(r"[\s/]", "", (match.group(2) or "").lower())
    is_per_litre = unit == "gl" or value > _GRAM_PER_DL_MOST
    return [("haemoglobin", value / 10 if is_per_litre else value)]


def platelets(match: re.Match[str]) -> Values:
    """In thousands per microlitre: 8, 8,000, 8k and 0.08 lakh are the same."""
    value = float(match.group(1).replace(",", ""))
    if (match.group(2) or "").lower().startswith("la"):
        value *= 100
    return [("platelets", value / 1000 if value > _COUNT_MOST else value)]


def oxygen_pressure(match: re.Match[str]) -> Values:
    before = match.string[max(0, match.start() - _REACH) : match.start()]
    if _VENOUS.search(before):
        return []
    return [("po2_kpa", round(_kpa(match, _KPA_MOST), 1))]


def oxygen_ratio(match: re.Match[str]) -> Values:
    """PaO2 in mmHg by the share of oxygen."""
    return [("pf_ratio", round(_kpa(match, _RATIO_KPA_MOST) * _MMHG_PER_KPA))]


def _kpa(match: re.Match[str], most: float) -> float:
    value, unit = number(match.group(1)), (match.group(2) or "").lower()
    is_kpa = unit == "kpa" or (not unit and value <= most)
    return value if is_kpa else value / _MMHG_PER_KPA


def peak_flow(match: re.Match[str]) -> Values:
    return _share(float(match.group(1)), float(match.group(2)))


def peak_flow_best_first(match: re.Match[str]) -> Values:
    return _share(float(match.group(2)), float(match.group(1)))


def _share(value: float, best: float) -> Values:
    return [("peak_flow_percent", round(100 * value / best))] if best else []


CONVERSIONS: Final[dict[str, Callable[[re.Match[str]], Values]]] = {
    "avpu": avpu,
    "blantyre": blantyre,
    "coma_parts": coma_parts,
    "gcs": coma,
    "glucose": glucose,
    "sbp_cmhg": pressure_in_cm,
    "rls": reaction_level,
    "romance_rate": romance_rate,
    "four": four,
    "fio2_percent": given_oxygen,
    "fio2_and_saturation": oxygen_and_saturation,
    "oxygen_for_saturation": oxygen_for_saturation,
    "ph": acidity,
    "haemoglobin": haemoglobin,
    "platelets": platelets,
    "po2_kpa": oxygen_pressure,
    "pf_ratio": oxygen_ratio,
    "peak_flow_parts": peak_flow,
    "peak_flow_parts_best_first": peak_flow_best_first,
}
