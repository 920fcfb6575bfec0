"""The form of a new case: the facts, and the department where the person has several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from triage_site.cases.department_models import Department
from triage_site.cases.forms import CaseForm


class EntryForm(CaseForm):
    """`departments` are those of the person, the usual one first; there is at least one."""

    def __init__(self, data: Any = None, *, departments: Sequence[Department]) -> None:
        super().__init__(data)
        self._departments = {one.code: one for one in departments}
        if len(self._departments) > 1:
            wrong = "Choose one of your departments"
            self.fields["department"] = forms.ChoiceField(
                choices=[(one.code, one.name) for one in departments],
                initial=departments[0].code,
                error_messages={"required": wrong, "invalid_choice": wrong},
            )

    @property
    def has_departments(self) -> bool:
        return "department" in self.fields

    @property
    def chosen_department(self) -> Department:
        """That of the new case. The form must be valid."""
        first = next(iter(self._departments))
        return self._departments[self.cleaned_data.get("department", first)]

    def with_celsius(self) -> EntryForm:
        return EntryForm(self._in_celsius(), departments=list(self._departments.values()))
