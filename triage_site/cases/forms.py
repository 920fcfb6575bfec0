"""Forms of the clinical pages. Impossible values are errors, unusual ones must be confirmed."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.http import QueryDict

from scheduling.core.request import PRIORITIES
from triage_site.cases.entry import (
    COMPLAINT_REQUIRED,
    FAHRENHEIT,
    MAX_LABEL_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    Finding,
    celsius,
    check_entry,
)
from triage_site.cases.levels import LEVELS
from triage_site.cases.models import OverrideReason
from triage_site.cases.patient import ARRIVAL_LABELS, CONSCIOUSNESS_LABELS
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
# Examples for the error message of a field; the middle of a usual adult value.
_EXAMPLES: Final = {
    "rr_bpm": "16",
    "spo2_percent": "97",
    "sbp_mmhg": "120",
    "dbp_mmhg": "80",
    "hr_bpm": "75",
    "temp_c": "37.5",
    "pain_score": "4",
}
_YEARS_PER: Final = {"years": 1.0, "months": 1 / 12, "days": 1 / 365.25}
# Warnings that need no confirmation: the page shows NEWS2 as incomplete instead.
_NOT_CONFIRMED: Final = frozenset({"on_oxygen"})
_FIELD_OF_FACT: Final = {"age_years": "age"}


def parse_number(text: str, *, label: str, example: str) -> float:
    """Reads a decimal number with point or comma. Raises ValidationError."""
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise forms.ValidationError(f"Enter {label.lower()} as a number, such as {example}")
    return value


class ReadingWidget(forms.Widget):
    """A number field and a check box "could not be measured". It works without scripts."""

    def value_from_datadict(
        self, data: Mapping[str, Any], files: object, name: str
    ) -> tuple[str, bool]:
        return str(data.get(name, "")), bool(data.get(f"{name}_unmeasurable"))


class ReadingField(forms.Field):
    """A vital sign. An empty field means not taken. The cleaned value is a `Reading`."""

    widget = ReadingWidget

    def __init__(self, *, label: str, example: str) -> None:
        super().__init__(required=False, label=label)
        self._label, self._example = label, example

    def clean(self, value: tuple[str, bool]) -> Reading:
        text, unmeasurable = value[0].strip(), value[1]
        if text.lower() in _UNABLE:
            return UNMEASURABLE
        if text and unmeasurable:
            raise forms.ValidationError("Enter a number or check “could not be measured”, not both")
        if unmeasurable:
            return UNMEASURABLE
        if not text:
            return NOT_TAKEN
        number = parse_number(text, label=self._label, example=self._example)
        return int(number) if number == int(number) else number


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalCell:
    """One cell of the row of vital signs, for the template."""

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
    """A new case. In a valid form, `cleaned_data["facts"]` is a `CaseFacts`."""

    text = forms.CharField(
        max_length=MAX_TEXT_CHARACTERS,
        error_messages={"required": COMPLAINT_REQUIRED},
    )
    age = forms.CharField(required=False, max_length=20)
    age_unit = forms.ChoiceField(
        choices=[(unit, unit) for unit in _YEARS_PER], required=False, initial="years"
    )
    sex = forms.ChoiceField(
        required=False,
        choices=[_UNKNOWN, (Sex.FEMALE, "Female"), (Sex.MALE, "Male"), (Sex.OTHER, "Other")],
    )
    arrival_mode = forms.ChoiceField(required=False, choices=[_UNKNOWN, *ARRIVAL_LABELS.items()])
    injury = forms.ChoiceField(
        required=False, choices=[_UNKNOWN, ("yes", "Yes, an injury"), ("no", "No injury")]
    )
    on_oxygen = forms.ChoiceField(
        required=False, choices=[_UNKNOWN, ("air", "Room air"), ("oxygen", "On oxygen")]
    )
    consciousness = forms.ChoiceField(
        required=False, choices=[("", "Not taken"), *CONSCIOUSNESS_LABELS.items()]
    )
    spo2_scale_2 = forms.BooleanField(required=False)
    label = forms.CharField(required=False, max_length=MAX_LABEL_CHARACTERS)
    submission_key = forms.CharField(required=False, max_length=80)
    confirm_values = forms.CharField(required=False, max_length=500)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, limits in VITAL_RANGES.items():
            self.fields[name] = ReadingField(label=limits.label, example=_EXAMPLES[name])
        self.warnings: list[Finding] = []
        self.confirm_token = ""  # the fields and values that the user confirms

    def clean_age(self) -> float | None:
        text = self.cleaned_data["age"].strip()
        return parse_number(text, label=LABELS["age"], example="45") if text else None

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
        self.warnings = [
            Finding(field=field, reason=one.reason)
            for one in entry.warnings
            if (field := _FIELD_OF_FACT.get(one.field, one.field)) not in self.errors
        ]
        self._require_confirmation(cleaned)
        return cleaned

    def _require_confirmation(self, cleaned: dict[str, Any]) -> None:
        unusual = self.to_confirm
        if not unusual:
            return
        values = ";".join(f"{one.field}={self.data.get(one.field, '')}" for one in unusual)
        self.confirm_token = values[:500]
        if cleaned.get("confirm_values") != self.confirm_token:
            self.add_error("confirm_values", "Check these values and confirm that they are correct")

    @property
    def to_confirm(self) -> list[Finding]:
        return [one for one in self.warnings if one.field not in _NOT_CONFIRMED]

    def facts_so_far(self) -> CaseFacts:
        """Returns the facts of all valid fields. Other fields count as not given."""
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

    # -- values for the template

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
        """Returns every error with the label of its field, in the order of the page."""
        return [
            Finding(field=name, reason=_with_label(name, str(reason)))
            for name in self.fields
            if name != "confirm_values"
            for reason in self.errors.get(name, [])
        ]

    def celsius_offer(self) -> str:
        """Returns the temperature in °C when the entry looks like °F, else an empty string."""
        try:
            value = float(self.raw_reading("temp_c")[0].strip().replace(",", "."))
        except ValueError:
            return ""
        return f"{celsius(value):.1f}" if FAHRENHEIT[0] <= value <= FAHRENHEIT[1] else ""

    def with_celsius(self) -> CaseForm:
        """Returns the same entry with the temperature converted to °C, to be checked."""
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
    """Adds the label of the field, unless the reason holds it."""
    label = LABELS.get(name) or VITAL_RANGES[name].label
    return reason if label.lower() in reason.lower() else f"{label}: {reason}"


class OverrideForm(forms.Form):
    """An override: a priority and a reason."""

    priority = forms.TypedChoiceField(
        choices=[(p, f"{p} {LEVELS[p].word}") for p in PRIORITIES],
        coerce=int,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose a level"},
    )
    reason = forms.ChoiceField(
        choices=[("", "Choose a reason"), *OverrideReason.choices],
        error_messages={"required": "Choose a reason"},
    )
    note = forms.CharField(
        required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )


class CancelForm(forms.Form):
    reason = forms.CharField(
        required=False, max_length=500, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )


def call_service(form: forms.Form, service: Callable[[dict[str, Any]], object]) -> bool:
    """Calls a service with the values of a valid form. Returns whether it succeeded.

    A ValueError of the service becomes an error of the form.
    """
    if not form.is_valid():
        return False
    try:
        service(form.cleaned_data)
    except ValueError as error:
        _add_service_error(form, error)
        return False
    return True


def _add_service_error(form: forms.Form, error: ValueError) -> None:
    """Adds the error "field: reason" of a service to that field, or to the whole form."""
    field, separator, reason = str(error).partition(": ")
    if separator and field in form.fields:
        form.add_error(field, reason)
    else:
        form.add_error(None, reason or str(error))
