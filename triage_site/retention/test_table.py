"""The table names every place that can hold a patient's words."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import models

from scheduling.append_only import append_only_models
from triage_site.retention.age import BANDS, age_band
from triage_site.retention.table import TABLES, Fate

# Fields of these kinds hold no words.
WORDLESS = (
    *(models.IntegerField, models.FloatField, models.DecimalField, models.BooleanField),
    *(models.DateField, models.TimeField, models.DurationField, models.UUIDField),
)


def worded_fields(model: Any) -> set[str]:
    return {
        field.name
        for field in model._meta.concrete_fields
        if not field.is_relation and not isinstance(field, WORDLESS)
    }


def test_the_table_names_exactly_the_models_that_exist() -> None:
    models_found = {model._meta.label for model in apps.get_models(include_auto_created=True)}
    assert set(TABLES) == models_found


@pytest.mark.parametrize("label", TABLES)
def test_the_table_names_each_field_that_can_hold_words(label: str) -> None:
    model: Any = apps.get_model(label)
    unnamed = worded_fields(model) - TABLES[label].named
    assert unnamed == set(), f"say in triage_site/retention/table.py what happens to {unnamed}"
    known = {field.name for field in model._meta.concrete_fields}
    assert TABLES[label].named <= known


def test_every_model_that_points_to_a_case_is_about_cases_or_says_why_not() -> None:
    """A new table of things that people say about a case must not be left out."""
    of_cases = {
        model._meta.label
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if field.name in ("case", "case_id") or field.related_model is apps.get_model("cases.Case")
    }
    assert of_cases <= {name for name, one in TABLES.items() if one.fate is Fate.CASES}


@pytest.mark.parametrize("label", [name for name, one in TABLES.items() if one.cleared])
def test_a_history_loses_fields_only_where_the_audit_can_say_so(label: str) -> None:
    table, model = TABLES[label], apps.get_model(label)
    assert table.fate in (Fate.CASES, Fate.AUDIT)
    if table.fate is Fate.AUDIT:
        assert model in append_only_models()


@pytest.mark.parametrize(
    ("years", "band"),
    [
        *((0, "under 1"), (0.9, "under 1"), (1, "1-4"), (17.9, "12-17"), (18, "18-39")),
        *((64, "40-64"), (65, "65-74"), (89.9, "75-89"), (90, "90+"), (125, "90+")),
        *((None, ""), (True, ""), ("61", ""), (-1, "")),
    ],
)
def test_an_age_becomes_a_band(years: Any, band: str) -> None:
    assert age_band(years) == band
    assert band in (*BANDS, "")
