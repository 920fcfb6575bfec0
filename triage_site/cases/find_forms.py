"""The form that finds cases."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from scheduling.core.request import PRIORITIES
from triage_site.cases.clinical import STATUS_WORDS
from triage_site.cases.find import Wanted
from triage_site.cases.form_fields import MOMENTS, LimitedText
from triage_site.cases.levels import LEVELS

MAX_WORDS_CHARACTERS: Final = 200
_ANY: Final = ("", "Any")


class FindForm(forms.Form):
    q = LimitedText(limit=MAX_WORDS_CHARACTERS, label="Search text", required=False)
    level = forms.TypedChoiceField(
        required=False,
        coerce=int,
        empty_value=None,
        choices=[_ANY, *((p, f"{p} {LEVELS[p].word}") for p in PRIORITIES)],
    )
    state = forms.ChoiceField(
        required=False, choices=[_ANY, *((one.value, words) for one, words in STATUS_WORDS.items())]
    )
    since = forms.DateTimeField(
        required=False,
        validators=MOMENTS,
        error_messages={"invalid": "Enter “from” as a date and time"},
    )
    until = forms.DateTimeField(
        required=False,
        validators=MOMENTS,
        error_messages={"invalid": "Enter “to” as a date and time"},
    )
    person = forms.BooleanField(required=False)
    overdue = forms.BooleanField(required=False)
    mine = forms.BooleanField(required=False)

    def clean(self) -> dict[str, Any]:
        got = super().clean() or {}
        since, until = got.get("since"), got.get("until")
        if since and until and until <= since:
            self.add_error("until", "“To” must be later than “from”")
        return got

    def wanted(self, words: str, user_id: int | None) -> Wanted:
        """Returns what is looked for. The form must be valid."""
        got = self.cleaned_data
        return Wanted(
            words=words,
            clinical_status=got["state"] or None,
            priority=got["level"],
            needs_person=got["person"],
            is_overdue=got["overdue"],
            user_id=user_id if got["mine"] else None,
            arrived_from=got["since"],
            arrived_until=got["until"],
        )

    def query(self) -> dict[str, str]:
        """Returns the fields of the address: all but the words, which may name a patient."""
        return {
            name: str(self.data[name])
            for name in self.fields
            if name != "q" and self.cleaned_data.get(name) not in (None, "", False)
        }
