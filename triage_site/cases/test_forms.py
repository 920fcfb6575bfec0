"""Entry of a case: impossible values are errors, unusual ones must be confirmed."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from triage_site.cases.forms import CaseForm, OverrideForm, call_service
from triage_site.triage.facts import NOT_TAKEN, UNMEASURABLE, CaseFacts
from triage_site.triage.vitals import VITAL_RANGES

READINGS = {
    "rr_bpm": 24,
    "spo2_percent": 93,
    "sbp_mmhg": 96,
    "dbp_mmhg": 60,
    "hr_bpm": 130,
    "temp_c": 38.6,
    "pain_score": 4,
}


def entered(**values: Any) -> CaseForm:
    data = QueryDict(mutable=True)
    data.update({"text": "cough", **values})
    form = CaseForm(data)
    form.is_valid()
    return form


def facts(**values: Any) -> CaseFacts:
    form = entered(**values)
    assert form.is_valid(), form.errors
    found = form.cleaned_data["facts"]
    assert isinstance(found, CaseFacts)
    return found


def test_two_words_are_enough() -> None:
    assert facts() == CaseFacts(text="cough")


def test_a_case_needs_a_complaint() -> None:
    form = entered(text="   ")
    assert form.errors["text"] == ["Describe the complaint in a few words"]
    assert list(form.errors) == ["text"]


def test_empty_means_not_taken_and_unable_means_unmeasurable() -> None:
    got = facts(hr_bpm="", sbp_mmhg_unmeasurable="1", pain_score="unable")
    assert (got.hr_bpm, got.sbp_mmhg, got.pain_score) == (NOT_TAKEN, UNMEASURABLE, UNMEASURABLE)


def test_a_number_and_unmeasurable_together_are_an_error() -> None:
    assert "not both" in entered(hr_bpm="80", hr_bpm_unmeasurable="1").errors["hr_bpm"][0]


def test_a_decimal_comma_is_accepted() -> None:
    assert facts(temp_c="37,8").temp_c == 37.8


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("temp_c", "Enter temperature as a number, such as 37.5"),
        ("hr_bpm", "Enter heart rate as a number, such as 75"),
        ("age", "Enter age as a number, such as 45"),
    ],
)
def test_a_bad_number_is_answered_with_an_example(field: str, message: str) -> None:
    form = entered(**{field: "high"})
    assert form.errors[field] == [message]
    assert [one.reason for one in form.summary()] == [message]


@pytest.mark.parametrize(
    ("age", "unit", "years"), [("6", "months", 0.5), ("71", "years", 71), ("0", "days", 0)]
)
def test_ages_come_in_three_units(age: str, unit: str, years: float) -> None:
    assert facts(age=age, age_unit=unit).age_years == pytest.approx(years)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hr_bpm", "351"),
        ("hr_bpm", "-1"),
        ("hr_bpm", "fast"),
        ("hr_bpm", "nan"),
        ("hr_bpm", "80.5"),
        ("spo2_percent", "101"),
        ("temp_c", "19"),
        ("pain_score", "11"),
        ("age", "126"),
        ("age", "old"),
        ("age", "-3"),
        ("sex", "unknown value"),
        ("consciousness", "sleepy"),
    ],
)
def test_impossible_values_are_errors_of_their_field(field: str, value: str) -> None:
    form = entered(**{field: value})
    assert list(form.errors) == [field]
    assert form.data[field] == value  # the form keeps the typed value


def test_diastolic_must_be_below_systolic() -> None:
    assert "below systolic" in entered(sbp_mmhg="80", dbp_mmhg="80").errors["dbp_mmhg"][0]
    assert facts(sbp_mmhg="81", dbp_mmhg="80").dbp_mmhg == 80


def test_fahrenheit_is_converted_only_on_request() -> None:
    form = entered(temp_c="100.4")
    assert "°F" in form.errors["temp_c"][0]
    assert form.celsius_offer() == "38.0"
    converted = form.with_celsius()
    assert converted.is_valid()
    assert converted.cleaned_data["facts"].temp_c == 38.0
    assert form.data["temp_c"] == "100.4"


def test_a_confirmation_is_valid_for_the_confirmed_values_only() -> None:
    unconfirmed = entered(hr_bpm="240")
    assert list(unconfirmed.errors) == ["confirm_values"]
    assert [one.field for one in unconfirmed.to_confirm] == ["hr_bpm"]
    token = unconfirmed.confirm_token
    assert entered(hr_bpm="240", confirm_values=token).is_valid()
    assert not entered(hr_bpm="250", confirm_values=token).is_valid()
    assert not entered(hr_bpm="240", temp_c="31", confirm_values=token).is_valid()


def test_saturation_without_air_or_oxygen_is_a_warning() -> None:
    form = entered(spo2_percent="97")
    assert form.is_valid()
    assert [one.field for one in form.warnings] == ["on_oxygen"]


def test_every_field_reaches_the_facts() -> None:
    got = facts(
        age="4",
        sex="female",
        arrival_mode="ambulance",
        injury="no",
        on_oxygen="oxygen",
        consciousness="voice",
        spo2_scale_2="1",
        **{name: str(number) for name, number in READINGS.items()},
    )
    assert (got.sex, got.arrival_mode, got.injury, got.on_oxygen) == (
        "female",
        "ambulance",
        False,
        True,
    )
    assert (got.consciousness, got.spo2_scale_2) == ("voice", True)
    assert {name: got.value(name) for name in VITAL_RANGES} == READINGS


@given(st.text(max_size=40), st.sampled_from(sorted(VITAL_RANGES)))
def test_any_text_is_handled(text: str, name: str) -> None:
    form = entered(text=text, age=text, **{name: text})
    assert isinstance(form.facts_so_far(), CaseFacts)
    assert form.is_valid() or form.errors


@pytest.mark.parametrize(
    ("message", "field", "reason"),
    [
        ("note: Enter the reason", "note", "Enter the reason"),
        ("status: The case has ended", NON_FIELD_ERRORS, "The case has ended"),
        ("no", NON_FIELD_ERRORS, "no"),
    ],
)
def test_an_error_of_a_service_belongs_to_its_field_or_to_the_form(
    message: str, field: str, reason: str
) -> None:
    def refuse(got: dict[str, Any]) -> None:
        raise ValueError(message)

    form = OverrideForm({"priority": "1", "reason": "other"})
    assert not call_service(form, refuse)
    assert form.errors == {field: [reason]}


def test_a_service_is_called_once_and_only_with_valid_values() -> None:
    calls: list[dict[str, Any]] = []
    assert not call_service(OverrideForm({"priority": "9"}), calls.append)
    assert call_service(OverrideForm({"priority": "1", "reason": "other"}), calls.append)
    assert [got["priority"] for got in calls] == [1]
