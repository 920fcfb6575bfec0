"""Entry of a case: impossible values are errors, unusual ones must be confirmed."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from triage_site.cases.action_forms import OverrideForm
from triage_site.cases.forms import CaseForm, call_service
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
        ("age", "Enter age as a number, such as 45, 6 weeks or 3 months"),
    ],
)
def test_a_bad_number_is_answered_with_an_example(field: str, message: str) -> None:
    form = entered(**{field: "high"})
    assert form.errors[field] == [message]
    assert [one.reason for one in form.summary()] == [message]


@pytest.mark.parametrize(
    ("age", "unit", "years"),
    [
        ("6", "months", 0.5),
        ("71", "years", 71),
        ("0", "days", 0),
        ("6", "weeks", 42 / 365.25),
        ("6 weeks", "years", 42 / 365.25),
        ("6w", "", 42 / 365.25),
        ("6-week-old", "", 42 / 365.25),
        ("3 months", "years", 0.25),
        ("18 mo.", "days", 1.5),
        ("2y", "months", 2),
        ("45 y/o", "", 45),
        ("1 year, 6 months", "", 1.5),
        ("3.5", "", 3.5),
    ],
)
def test_ages_come_in_four_units_and_a_unit_in_the_text_counts(
    age: str, unit: str, years: float
) -> None:
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


@pytest.mark.parametrize(
    ("field", "text", "number"),
    [
        ("temp_c", "38.5 C", 38.5),
        ("temp_c", "37,5°C", 37.5),
        ("temp_c", "38.", 38),
        ("spo2_percent", "97%", 97),
        ("spo2_percent", "97 %", 97),
        ("hr_bpm", "120 bpm", 120),
        ("hr_bpm", "88 beats / min", 88),
        ("rr_bpm", "16/min", 16),
        ("sbp_mmhg", "120 mm Hg", 120),
        ("pain_score", "4/10", 4),
        ("pain_score", "4 out of 10", 4),
    ],
)
def test_a_value_with_its_unit_is_read(field: str, text: str, number: float) -> None:
    assert facts(**{field: text}).value(field) == number


@pytest.mark.parametrize(
    "text",
    ["1_20", "１２０", "١٢٠", "1e2", "nan", "inf", "+-5", "0x10", "1,200", "12 0", "120 kPa", "²"],
)
@pytest.mark.parametrize("field", ["hr_bpm", "temp_c", "age"])
def test_what_is_no_plain_number_is_refused(field: str, text: str) -> None:
    form = entered(**{field: text})
    assert "as a number, such as" in form.errors[field][0]
    assert form.data[field] == text


@given(st.integers(0, 350), st.sampled_from(["", " ", "/min", " bpm", " Beats/Min"]))
def test_a_whole_number_is_read_as_itself(number: int, unit: str) -> None:
    form = entered(hr_bpm=f"{number}{unit}")
    assert form.facts_so_far().hr_bpm == number


def test_a_pressure_of_two_numbers_fills_both_fields() -> None:
    got = facts(sbp_mmhg="120/80")
    assert (got.sbp_mmhg, got.dbp_mmhg) == (120, 80)
    assert "sbp_mmhg" in entered(sbp_mmhg="120/80", dbp_mmhg="70").errors
    for typed in ("60/palp", "60 / P"):
        got = facts(sbp_mmhg=typed)
        assert (got.sbp_mmhg, got.dbp_mmhg) == (60, UNMEASURABLE)


def test_fahrenheit_with_its_unit_is_converted_on_request_and_named() -> None:
    form = entered(temp_c="98.6F")
    assert form.errors["temp_c"] == ["Temperature 98.6 °F is 37.0 °C. Enter it in °C"]
    converted = form.with_celsius()
    assert converted.is_valid()
    assert converted.cleaned_data["facts"].temp_c == 37.0
    assert converted.converted_note == "98.6 °F was converted. 37.0 °C will be stored"
    assert entered(temp_c="38.1", temp_entered="98.6 °F").converted_note == ""


def test_a_text_over_the_limit_is_refused_with_limit_and_length() -> None:
    form = entered(text="x" * 10_412)
    assert "10,412 characters; the limit is 10,000" in form.errors["text"][0]
    assert len(form.data["text"]) == 10_412
    note = OverrideForm({"priority": "1", "reason": "other", "note": "x" * 2_001})
    assert "2,001 characters; the limit is 2,000" in note.errors["note"][0]


def test_a_line_end_counts_as_one_character() -> None:
    text = "ab\r\n" * 3_000 + "x" * 1_000
    assert facts(text=text).text == text.replace("\r\n", "\n")


def test_diastolic_must_be_below_systolic() -> None:
    assert entered(pain_score="11").errors["pain_score"] == ["Pain must be 0 to 10"]
    assert entered(hr_bpm="351").errors["hr_bpm"] == ["Heart rate must be 0 to 350 /min"]
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
