"""Forms of the clinical pages. Impossible values block, unusual ones ask to be confirmed."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.http import QueryDict

from triage_site.cases.entry import FAHRENHEIT, Finding, celsius, check_entry
from triage_site.triage.facts import (
    NOT_TAKEN,
    UNMEASURABLE,
    ArrivalMode,
    CaseFacts,
    Consciousness,
    Reading,
    Sex,
)
from triage_site.triage.vitals import VITAL_RANGES

MAX_TEXT_CHARACTERS: Final = 10_000
CELL_LABELS: Final = {
    "rr_bpm": "Resp. rate",
    "spo2_percent": "SpO₂",
    "sbp_mmhg": "Systolic",
    "dbp_mmhg": "Diastolic",
    "hr_bpm": "Heart rate",
    "temp_c": "Temp.",
    "pain_score": "Pain",
}
_UNABLE: Final = frozenset({"unable", "uta", "unmeasurable", "unrecordable", "not measurable"})
_YEARS_PER: Final = {"years": 1.0, "months": 1 / 12, "days": 1 / 365.25}
# These are noted but need no confirmation: NEWS2 shows itself as incomplete instead.
_ONLY_NOTED: Final = frozenset({"on_oxygen"})
_FIELD_OF_FACT: Final = {"age_years": "age"}


def number_of(text: str) -> float:
    """A decimal number with point or comma. Raises ValidationError."""
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise forms.ValidationError("must be a number")
    return value


class ReadingWidget(forms.Widget):
    """A number field and a box "could not be measured"; works without scripts."""

    def value_from_datadict(
        self, data: Mapping[str, Any], files: object, name: str
    ) -> tuple[str, bool]:
        return str(data.get(name, "")), bool(data.get(f"{name}_unmeasurable"))


class ReadingField(forms.Field):
    """A vital sign: empty means not taken. Cleans to a `Reading`."""

    widget = ReadingWidget

    def clean(self, value: tuple[str, bool]) -> Reading:
        text, unmeasurable = value[0].strip(), value[1]
        if text.lower() in _UNABLE:
            return UNMEASURABLE
        if text and unmeasurable:
            raise forms.ValidationError("give a number or “could not be measured”, not both")
        if unmeasurable:
            return UNMEASURABLE
        if not text:
            return NOT_TAKEN
        number = number_of(text)
        return int(number) if number == int(number) else number


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalCell:
    """One cell of the row of vital signs, as the template needs it."""

    name: str
    label: str
    full_label: str
    unit: str
    text: str
    unmeasurable: bool
    error: str
    hard: tuple[float, float]
    usual: tuple[float, float]


_UNKNOWN = ("", "Not recorded")


class CaseForm(forms.Form):
    """A new case. `cleaned_data["facts"]` is a `CaseFacts` once the form is valid."""

    text = forms.CharField(
        max_length=MAX_TEXT_CHARACTERS,
        error_messages={"required": "say what is wrong, in a few words"},
    )
    age = forms.CharField(required=False, max_length=20)
    age_unit = forms.ChoiceField(
        choices=[(unit, unit) for unit in _YEARS_PER], required=False, initial="years"
    )
    sex = forms.ChoiceField(
        required=False,
        choices=[_UNKNOWN, (Sex.FEMALE, "Female"), (Sex.MALE, "Male"), (Sex.OTHER, "Other")],
    )
    arrival_mode = forms.ChoiceField(
        required=False,
        choices=[
            _UNKNOWN,
            (ArrivalMode.WALKING, "Walked in"),
            (ArrivalMode.AMBULANCE, "Ambulance"),
            (ArrivalMode.PRIVATE_VEHICLE, "Private vehicle"),
            (ArrivalMode.PRIVATE_AMBULANCE, "Private ambulance"),
            (ArrivalMode.CALL, "Emergency call, not here yet"),
            (ArrivalMode.OTHER, "Other"),
        ],
    )
    injury = forms.ChoiceField(
        required=False, choices=[_UNKNOWN, ("yes", "Yes, an injury"), ("no", "No injury")]
    )
    on_oxygen = forms.ChoiceField(
        required=False, choices=[_UNKNOWN, ("air", "Room air"), ("oxygen", "On oxygen")]
    )
    consciousness = forms.ChoiceField(
        required=False,
        choices=[
            ("", "Not taken"),
            (Consciousness.ALERT, "Alert"),
            (Consciousness.CONFUSED, "New confusion"),
            (Consciousness.VOICE, "Responds to voice"),
            (Consciousness.PAIN, "Responds to pain"),
            (Consciousness.UNRESPONSIVE, "Unresponsive"),
        ],
    )
    spo2_scale_2 = forms.BooleanField(required=False)
    label = forms.CharField(required=False, max_length=60)
    submission_key = forms.CharField(required=False, max_length=80)
    confirm_values = forms.CharField(required=False, max_length=500)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, limits in VITAL_RANGES.items():
            self.fields[name] = ReadingField(required=False, label=limits.label)
        self.noted: list[Finding] = []  # warnings, all of them
        self.confirm_token = ""  # what a person confirms: these fields with these values

    def clean_age(self) -> float | None:
        text = self.cleaned_data["age"].strip()
        return number_of(text) if text else None

    def clean_submission_key(self) -> str:
        return str(self.cleaned_data["submission_key"].strip() or uuid.uuid4().hex)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        facts = self.facts_so_far()
        cleaned["facts"] = facts
        entry = check_entry(facts)
        for finding in entry.errors:
            field = _FIELD_OF_FACT.get(finding.field, finding.field)
            if field not in self.errors:
                self.add_error(field, finding.reason)
        self.noted = [
            Finding(field=field, reason=one.reason)
            for one in entry.warnings
            if (field := _FIELD_OF_FACT.get(one.field, one.field)) not in self.errors
        ]
        self._ask_to_confirm(cleaned)
        return cleaned

    def _ask_to_confirm(self, cleaned: dict[str, Any]) -> None:
        doubtful = self.to_confirm
        if not doubtful:
            return
        values = ";".join(f"{one.field}={self.data.get(one.field, '')}" for one in doubtful)
        self.confirm_token = values[:500]
        if cleaned.get("confirm_values") != self.confirm_token:
            self.add_error("confirm_values", "check these values and confirm that they are right")

    @property
    def to_confirm(self) -> list[Finding]:
        return [one for one in self.noted if one.field not in _ONLY_NOTED]

    def facts_so_far(self) -> CaseFacts:
        """The facts of all fields that are valid; the others count as not given."""
        got = self.cleaned_data
        age = got.get("age")
        unit = _YEARS_PER[got.get("age_unit") or "years"]
        return CaseFacts(
            text=got.get("text", ""),
            age_years=None if age is None else age * unit,
            sex=Sex(got.get("sex") or Sex.UNKNOWN),
            arrival_mode=ArrivalMode(got.get("arrival_mode") or ArrivalMode.UNKNOWN),
            injury={"yes": True, "no": False}.get(got.get("injury", "")),
            on_oxygen={"oxygen": True, "air": False}.get(got.get("on_oxygen", "")),
            consciousness=Consciousness(got.get("consciousness") or Consciousness.NOT_TAKEN),
            spo2_scale_2=bool(got.get("spo2_scale_2")),
            **{name: got.get(name, NOT_TAKEN) for name in VITAL_RANGES},
        )

    # -- what the template shows

    def vital_cells(self) -> Iterator[VitalCell]:
        for name, limits in VITAL_RANGES.items():
            text, unmeasurable = self.raw_reading(name)
            yield VitalCell(
                name=name,
                label=CELL_LABELS[name],
                full_label=limits.label,
                unit=limits.unit,
                text=text,
                unmeasurable=unmeasurable,
                error=" ".join(map(str, self.errors.get(name, []))) if self.is_bound else "",
                hard=limits.hard,
                usual=limits.usual,
            )

    def raw_reading(self, name: str) -> tuple[str, bool]:
        if not self.is_bound:
            return "", False
        return ReadingWidget().value_from_datadict(self.data, {}, name)

    def summary(self) -> list[Finding]:
        """Every error with the name of its field in words, in the order of the page."""
        return [
            Finding(field=name, reason=_with_label(name, str(reason)))
            for name in self.fields
            if name != "confirm_values"
            for reason in self.errors.get(name, [])
        ]

    def celsius_offer(self) -> str:
        """The temperature in Celsius where the entry looks like Fahrenheit, else empty."""
        try:
            value = number_of(self.raw_reading("temp_c")[0])
        except forms.ValidationError:
            return ""
        return f"{celsius(value):.1f}" if FAHRENHEIT[0] <= value <= FAHRENHEIT[1] else ""

    def with_celsius(self) -> CaseForm:
        """The same entry with the offered temperature filled in, for a person to look at."""
        assert isinstance(self.data, QueryDict)
        data = self.data.copy()
        data["temp_c"] = self.celsius_offer() or data.get("temp_c", "")
        return CaseForm(data)


LABELS: Final = {
    "text": "Complaint",
    "age": "Age",
    "age_unit": "Unit of age",
    "sex": "Sex",
    "arrival_mode": "Arrival",
    "injury": "Injury",
    "on_oxygen": "Air or oxygen",
    "consciousness": "Consciousness",
    "label": "Name or bed",
}


def _with_label(name: str, reason: str) -> str:
    label = LABELS.get(name) or VITAL_RANGES[name].label
    return reason if reason.startswith(label) else f"{label}: {reason}"


def carried_out(form: forms.Form, act: Callable[[dict[str, Any]], object]) -> bool:
    """Hands the values of a valid form to a service; what that refuses stands in the form."""
    if not form.is_valid():
        return False
    try:
        act(form.cleaned_data)
    except ValueError as error:
        _add_service_error(form, error)
        return False
    return True


def _add_service_error(form: forms.Form, error: ValueError) -> None:
    """Services say "field: reason"; shown at that field, or on top where there is none."""
    field, parted, reason = str(error).partition(": ")
    if parted and field in form.fields:
        form.add_error(field, reason)
    else:
        form.add_error(None, reason or str(error))
