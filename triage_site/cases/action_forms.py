"""Forms that change a case. Each carries the version of the case that it was opened on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django import forms

from scheduling.core.request import PRIORITIES
from scheduling.queue_control import MAX_STEPS
from triage_site.cases.department_models import Department
from triage_site.cases.form_fields import LimitedText
from triage_site.cases.forms import CaseForm
from triage_site.cases.levels import LEVELS
from triage_site.cases.models import DISPOSITION_CHOICES, OverrideReason
from triage_site.cases.patient import CONSCIOUSNESS_LABELS, OXYGEN_LABELS
from triage_site.cases.readings import NEEDS_SYSTOLIC, SYSTOLIC, lacks_systolic, merged
from triage_site.triage.facts import NOT_TAKEN, UNMEASURABLE, CaseFacts
from triage_site.triage.vitals import VITAL_RANGES

MAX_NOTE_CHARACTERS: Final = 2_000
MAX_REASON_CHARACTERS: Final = 500


class VersionedForm(forms.Form):
    """Refused when the case has another version meanwhile. Without one nothing is checked."""

    version = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)


class OverrideForm(VersionedForm):
    """A person's priority, with the reason."""

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
    note = LimitedText(limit=MAX_NOTE_CHARACTERS, label="Note", required=False)


class CloseForm(VersionedForm):
    disposition = forms.ChoiceField(
        choices=DISPOSITION_CHOICES,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose how the case ends"},
    )
    reason = LimitedText(limit=MAX_REASON_CHARACTERS, label="Reason", required=False)


class MoveForm(VersionedForm):
    """A move in the queue, within the level."""

    direction = forms.ChoiceField(
        choices=[
            ("up", "Up: earlier"),
            ("down", "Down: later"),
            ("policy", "Back to the place of the policy"),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose a direction"},
    )
    places = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_STEPS,
        error_messages={"invalid": "Enter a whole number of places, such as 1"},
    )
    reason = LimitedText(
        limit=MAX_REASON_CHARACTERS,
        label="Reason",
        error_messages={"required": "Enter a reason (kept in the audit log)"},
    )

    @staticmethod
    def steps(direction: str, places: int | None) -> int:
        return {"up": 1, "down": -1}.get(direction, 0) * (places or 1)


class TransferForm(VersionedForm):
    """`departments`: all but that of the case."""

    department = forms.ChoiceField(
        error_messages={"required": "Choose a department", "invalid_choice": "Choose a department"}
    )
    reason = LimitedText(
        limit=MAX_REASON_CHARACTERS,
        label="Reason",
        error_messages={"required": "Enter a reason (kept in the history of the case)"},
    )

    def __init__(self, data: Any = None, *, departments: Iterable[Department]) -> None:
        super().__init__(data)
        self.fields["department"].choices = [  # type: ignore[attr-defined]
            ("", "Choose a department"),
            *((one.code, one.name) for one in departments),
        ]


class NoteForm(VersionedForm):
    text = LimitedText(
        limit=MAX_NOTE_CHARACTERS, label="Note", error_messages={"required": "Enter a note"}
    )


class ProposalForm(VersionedForm):
    decision = forms.ChoiceField(choices=[("accept", "accept"), ("dismiss", "dismiss")])


class VitalsForm(CaseForm):
    """Vital signs taken again. `readings` is what was taken now, once the form is valid."""

    version = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)
    text = LimitedText(limit=MAX_NOTE_CHARACTERS, label="Note", required=False)
    age = age_unit = sex = arrival_mode = injury = label = submission_key = None  # type: ignore[assignment]

    def __init__(self, facts: CaseFacts, data: Any = None) -> None:
        super().__init__(data, initial={"spo2_scale_2": facts.spo2_scale_2})
        self.before = facts
        last = CONSCIOUSNESS_LABELS.get(facts.consciousness, "")
        self._say_last("consciousness", last)
        self._say_last("on_oxygen", OXYGEN_LABELS.get(facts.on_oxygen, ""))

    def _say_last(self, name: str, last: str) -> None:
        """Names the last value in the empty choice, which keeps it."""
        field: Any = self.fields[name]
        if last:
            field.choices = [("", f"Last: {last}"), *list(field.choices)[1:]]

    def placeholder(self, name: str) -> str:
        reading = getattr(self.before, name)
        if reading == NOT_TAKEN:
            return super().placeholder(name)
        return "last unable" if reading == UNMEASURABLE else f"last {reading:g}"

    def with_celsius(self) -> VitalsForm:
        return VitalsForm(self.before, self._in_celsius())

    def clean(self) -> dict[str, Any]:
        if lacks_systolic(self.before, self._taken()) and SYSTOLIC not in self.errors:
            self.add_error(SYSTOLIC, NEEDS_SYSTOLIC)
        cleaned = super().clean()
        if not self.errors and not self._taken():
            self.add_error(None, "Enter at least one vital sign")
        return cleaned

    def facts_so_far(self) -> CaseFacts:
        readings = self.readings()
        # A systolic that is still asked for is not checked against the diastolic.
        asked = {SYSTOLIC: NOT_TAKEN} if lacks_systolic(self.before, readings) else {}
        return merged(self.before, {**asked, **readings})

    @property
    def to_confirm(self) -> list[Any]:
        return [one for one in super().to_confirm if one.field in self._taken()]

    def readings(self) -> dict[str, Any]:
        scale = bool(self.cleaned_data.get("spo2_scale_2"))
        changed = scale != self.before.spo2_scale_2
        return {**self._taken(), **({"spo2_scale_2": scale} if changed else {})}

    def _taken(self) -> dict[str, Any]:
        got = self.cleaned_data
        taken = {name: got.get(name, NOT_TAKEN) for name in VITAL_RANGES}
        taken = {name: value for name, value in taken.items() if value != NOT_TAKEN}
        if got.get("on_oxygen"):
            taken["on_oxygen"] = got["on_oxygen"] == "oxygen"
        if got.get("consciousness"):
            taken["consciousness"] = got["consciousness"]
        return taken
