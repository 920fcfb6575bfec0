"""Forms of the clinical pages. Impossible values are errors, unusual ones must be confirmed."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.http import QueryDict

from triage_site.cases.entry import (
    COMPLAINT_REQUIRED,
    FAHRENHEIT,
    MAX_LABEL_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    Finding,
    celsius,
    check_entry,
)
from triage_site.cases.form_fields import (
    LimitedText,
    ReadingField,
    ReadingWidget,
    not_a_number,
)
from triage_site.cases.patient import ARRIVAL_LABELS, CONSCIOUSNESS_LABELS, OXYGEN_LABELS
from triage_site.cases.typed import (
    YEARS_PER,
    read_age,
    read_fahrenheit,
    read_pressure,
    read_reading,
)
from triage_site.triage.facts import NOT_TAKEN, ArrivalMode, CaseFacts, Consciousness, Sex
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
# Warnings that need no confirmation: the page shows NEWS2 as incomplete instead.
_NOT_CONFIRMED: Final = frozenset({"on_oxygen"})
_FIELD_OF_FACT: Final = {"age_years": "age"}


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalCell:
    """One cell of the row of vital signs, for the template."""

    name: str
    label: str
    full_label: str
    unit: str
    text: str
    placeholder: str
    unmeasurable: bool
    error: str
    hard: tuple[float, float]
    usual: tuple[float, float]


_UNKNOWN = ("", "Not recorded")


class CaseForm(forms.Form):
    """A new case. In a valid form, `cleaned_data["facts"]` is a `CaseFacts`."""

    text = LimitedText(
        limit=MAX_TEXT_CHARACTERS,
        label="Complaint",
        error_messages={"required": COMPLAINT_REQUIRED},
    )
    age = LimitedText(limit=40, label="Age", required=False)
    age_unit = forms.ChoiceField(
        choices=[(unit, unit) for unit in YEARS_PER], required=False, initial="years"
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
        required=False,
        choices=[_UNKNOWN, ("air", OXYGEN_LABELS[False]), ("oxygen", OXYGEN_LABELS[True])],
    )
    consciousness = forms.ChoiceField(
        required=False, choices=[("", "Not taken"), *CONSCIOUSNESS_LABELS.items()]
    )
    spo2_scale_2 = forms.BooleanField(required=False)
    label = LimitedText(limit=MAX_LABEL_CHARACTERS, label="Name or bed", required=False)
    submission_key = forms.CharField(required=False, max_length=80)
    confirm_values = forms.CharField(required=False, max_length=500)

    def __init__(self, data: Any = None, **options: Any) -> None:
        super().__init__(_with_both_pressures(data), **options)
        for name in VITAL_RANGES:
            self.fields[name] = ReadingField(name)
        self.warnings: list[Finding] = []
        self.confirm_token = ""  # the fields and values that the user confirms

    def clean_age(self) -> float | None:
        """Returns years. A unit in the text counts, the chosen unit is that of a bare number."""
        text, unit = self.cleaned_data["age"].strip(), self.data.get("age_unit")
        if not text:
            return None
        years = read_age(text, unit if unit in YEARS_PER else "years")
        if years is None:
            raise not_a_number(LABELS["age"], "45, 6 weeks or 3 months")
        return years

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
        return CaseFacts(
            text=got.get("text", ""),
            age_years=got.get("age"),
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
                placeholder=self.placeholder(name),
                unmeasurable=unmeasurable,
                error=" ".join(map(str, self.errors.get(name, []))) if self.is_bound else "",
                hard=limits.hard,
                usual=limits.usual,
            )

    def placeholder(self, name: str) -> str:
        """What an empty field of a vital sign stands for."""
        return "not taken"

    def raw_reading(self, name: str) -> tuple[str, bool]:
        if not self.is_bound:
            return "", False
        return ReadingWidget().value_from_datadict(self.data, {}, name)

    def summary(self) -> list[Finding]:
        """Returns every error with the label of its field, in the order of the page."""
        return [
            Finding(field=name, reason=_with_label(name, str(reason)))
            for name in self.fields
            if name not in ("confirm_values", "version")  # the page says these elsewhere
            for reason in self.errors.get(name, [])
        ]

    def celsius_offer(self) -> str:
        """Returns the temperature in °C when the entry is in °F or looks so, else ""."""
        text = self.raw_reading("temp_c")[0]
        named, bare = read_fahrenheit(text), read_reading(text, "temp_c")
        low, high = FAHRENHEIT
        value = bare if bare is not None and low <= bare <= high else named
        return "" if value is None else f"{celsius(value):.1f}"

    def with_celsius(self) -> CaseForm:
        """Returns the same entry with the temperature converted to °C, to be checked."""
        return CaseForm(self._in_celsius())

    def _in_celsius(self) -> QueryDict:
        assert isinstance(self.data, QueryDict)
        data = self.data.copy()
        if offer := self.celsius_offer():
            data["temp_entered"] = f"{self.raw_reading('temp_c')[0].strip().rstrip('FfºC° ')} °F"
            data["temp_c"] = offer
        return data

    @property
    def converted_note(self) -> str:
        """What was converted; empty when the temperature was not, or was changed since."""
        entered = str(self.data.get("temp_entered", "")) if self.is_bound else ""
        typed = read_fahrenheit(entered)
        now = self.raw_reading("temp_c")[0]
        if typed is None or f"{celsius(typed):.1f}" != now:
            return ""
        return f"{typed:g} °F was converted. {now} °C will be stored"


def _with_both_pressures(data: Any) -> Any:
    """Moves the second half of "120/80" into the empty diastolic field."""
    if not data or str(data.get("dbp_mmhg", "")).strip():
        return data
    both = read_pressure(str(data.get("sbp_mmhg", "")))
    if both is None:
        return data
    data = data.copy()
    data["sbp_mmhg"], data["dbp_mmhg"] = both
    return data


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
    "department": "Department",
}


def _with_label(name: str, reason: str) -> str:
    """Adds the label of the field, unless the reason holds it or no page shows the field."""
    limits = VITAL_RANGES.get(name)
    label = LABELS.get(name) or (limits.label if limits else "")
    return reason if label.lower() in reason.lower() else f"{label}: {reason}"


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
