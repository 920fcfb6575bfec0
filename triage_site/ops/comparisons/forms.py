"""The form of a new comparison. Its fields become the same JSON that the API takes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils import timezone

from scheduling.comparisons.choices import (
    DEFAULT_SETTING,
    MAX_SPEED,
    MEASURED,
    MIN_SPEED,
    BadChoice,
    LoadKind,
    choices_from,
)
from scheduling.core.policies import POLICIES
from scheduling.simulator.hardware import SETTINGS
from scheduling.simulator.trace_formats import PriorityRule, figure
from triage_site.cases.calls import fixture_names
from triage_site.cases.form_fields import MOMENTS
from triage_site.ops.comparisons import selectors
from triage_site.ops.models import Upload

_LOADS = (
    (LoadKind.RECORDED.value, "Recorded traffic"),
    (LoadKind.FIXTURE.value, "Fixture"),
    (LoadKind.SYNTHETIC.value, "Synthetic load"),
    (LoadKind.FILE.value, "File"),
)
_RULES = (
    ("", "As the file says; public traces: all levels alike"),
    (PriorityRule.UNIFORM.value, "All levels alike"),
    (PriorityRule.EMS.value, "As calls to an ambulance service"),
    (PriorityRule.BY_LENGTH.value, "By length: short prompts most urgent"),
)
_ERRORS = (
    ("none", "None"),
    ("length", "Wrong lengths"),
    ("priority", "Wrong levels"),
    ("both", "Wrong lengths and levels"),
)
# The words of the fields, beside them and in the list of what is wrong.
_LABELS = {
    "kind": "Load",
    "since": "From",
    "until": "Until",
    "name": "Fixture",
    "speed": "Speed",
    "max_concurrent_user_requests": "Largest group",
    "user_request_gap": "Gap",
    "gap_num": "Groups",
    "new_file": "New file",
    "upload": "Or an earlier one",
    "priorities": "Levels, if the file has none",
    "policies": "Policies",
    "setting": "GPU and model",
    "slots": "Slots",
    "error": "Prediction errors",
    "error_rate": "Wrong share",
    "seed": "Seed",
}
# The fields that one kind of load alone has; the page hides those of the others.
_FIELDS_OF = {
    LoadKind.RECORDED: ("since", "until"),
    LoadKind.FIXTURE: ("name", "speed"),
    LoadKind.SYNTHETIC: ("user_request_gap", "max_concurrent_user_requests", "gap_num"),
    LoadKind.FILE: ("upload", "new_file", "priorities"),
}
_WHEN = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M")


def _words(wanted: str, low: float, high: float) -> dict[str, str]:
    span = f"{wanted} from {figure(low)} to {figure(high)}"
    return {"invalid": wanted, "min_value": span, "max_value": span}


def _number(low: float, high: float) -> forms.FloatField:
    return forms.FloatField(
        required=False,
        min_value=low,
        max_value=high,
        error_messages=_words("Enter a number", low, high),
    )


def _count(low: int, high: int) -> forms.IntegerField:
    return forms.IntegerField(
        required=False,
        min_value=low,
        max_value=high,
        error_messages=_words("Enter a whole number", low, high),
    )


class ComparisonForm(forms.Form):
    """`clean` leaves the JSON in `cleaned_data["data"]`; a new file stands in `new_file`."""

    kind = forms.ChoiceField(choices=_LOADS, error_messages={"required": "Choose a load"})
    since = forms.DateTimeField(required=False, input_formats=_WHEN, validators=MOMENTS)
    until = forms.DateTimeField(required=False, input_formats=_WHEN, validators=MOMENTS)
    name = forms.ChoiceField(required=False)
    speed = _number(MIN_SPEED, MAX_SPEED)
    user_request_gap = _number(0, 1e6)
    max_concurrent_user_requests = _count(1, 200_000)
    gap_num = _count(1, 100_000)
    upload = forms.CharField(required=False)
    new_file = forms.FileField(required=False)
    priorities = forms.ChoiceField(choices=_RULES, required=False)
    setting = forms.ChoiceField(
        choices=[
            *((name, f"{name} (published)") for name in SETTINGS),
            (MEASURED, "Measured here, from recorded cases"),
        ]
    )
    policies = forms.MultipleChoiceField(
        choices=[(name, policy.title) for name, policy in POLICIES.items()],
        error_messages={"required": "Choose at least one policy"},
    )
    slots = _count(1, 1024)
    seed = _count(-(2**53), 2**53)
    error = forms.ChoiceField(choices=_ERRORS)
    error_rate = _number(0, 1)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].choices = [(name, name) for name in fixture_names()]  # type: ignore[attr-defined]
        for name, label in _LABELS.items():
            self.fields[name].label = label
        self.uploads = selectors.recent_uploads()
        self.kept: Upload | None = None

    @staticmethod
    def first_values() -> dict[str, Any]:
        """What a new form shows."""
        now = timezone.now()
        since, until = selectors.last_hours(now)
        return {
            "kind": LoadKind.RECORDED.value,
            "since": timezone.localtime(since),
            "until": timezone.localtime(until),
            "name": "city_day",
            "speed": 60,
            "user_request_gap": 0.01,
            "max_concurrent_user_requests": 50,
            "gap_num": 20,
            "setting": MEASURED if selectors.has_measured_model(now) else DEFAULT_SETTING,
            "policies": list(POLICIES),
            "seed": 0,
            "error": "none",
            "error_rate": 0.1,
        }

    def clean(self) -> dict[str, Any]:
        got = self.cleaned_data
        for kind, fields in _FIELDS_OF.items():
            if "kind" in got and kind != got["kind"]:
                for name in fields:  # what the page hides stops nothing
                    self.errors.pop(name, None)
        if self.errors:
            return got
        if got["kind"] == LoadKind.FILE and not got["upload"] and not got["new_file"]:
            self.add_error("new_file", "Choose a file")
            return got
        got["data"] = self.data_of(got, got["upload"] or "new")
        try:
            choices_from(got["data"])
        except BadChoice as error:
            field = error.field if error.field in self.fields else None
            self.add_error(field, error.reason)
        return got

    @property
    def file_to_keep(self) -> UploadedFile | None:
        """The file that came, where the load is a file; also while other fields are wrong."""
        got = getattr(self, "cleaned_data", {})
        return got.get("new_file") if got.get("kind") == LoadKind.FILE else None

    def keep(self, upload: Upload) -> None:
        """The file that came is stored: the form names it, so that it is not sent again."""
        self.kept = upload
        self.uploads = selectors.recent_uploads()
        chosen = str(upload.id)
        values = QueryDict(mutable=True)
        values.update(self.data)
        values["upload"] = chosen
        self.data = values
        self.cleaned_data["upload"] = chosen
        if "data" in self.cleaned_data:
            self.cleaned_data["data"] = self.data_of(self.cleaned_data, chosen)

    @staticmethod
    def data_of(got: dict[str, Any], upload: str) -> dict[str, Any]:
        """The JSON of the API; `upload` is the id of the file."""
        return {
            "load": _load(got, upload),
            "setting": got["setting"],
            "policies": got["policies"],
            "seed": got["seed"] or 0,
            "slots": got["slots"],
            "error": got["error"],
            "error_rate": got["error_rate"],
        }


def _load(got: dict[str, Any], upload: str) -> dict[str, Any]:
    kind = got["kind"]
    if kind == LoadKind.RECORDED:
        times = {name: got[name].isoformat() if got[name] else None for name in ("since", "until")}
        return {"kind": kind, **times}
    if kind == LoadKind.FIXTURE:
        return {"kind": kind, "name": got["name"], "speed": got["speed"] or 1}
    if kind == LoadKind.FILE:
        rule = {"priorities": got["priorities"]} if got["priorities"] else {}
        return {"kind": kind, "upload": upload, **rule}
    names = ("user_request_gap", "max_concurrent_user_requests", "gap_num")
    return {"kind": kind, **{name: got[name] for name in names}}
