"""Fields of the forms: vital signs, and text with a limit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from triage_site.cases.entry import celsius
from triage_site.cases.typed import EARLIEST, LATEST, UNABLE, read_fahrenheit, read_reading, written
from triage_site.triage.facts import NOT_TAKEN, UNMEASURABLE, Reading
from triage_site.triage.vitals import VITAL_RANGES

_YEARS: Final = f"Enter a year from {EARLIEST.year} to {LATEST.year - 1}"
DAYS: Final[list[Callable[[Any], None]]] = [
    MinValueValidator(EARLIEST.date(), _YEARS),
    MaxValueValidator(LATEST.date() - timedelta(days=1), _YEARS),
]
MOMENTS: Final[list[Callable[[Any], None]]] = [
    MinValueValidator(EARLIEST, _YEARS),
    MaxValueValidator(LATEST, _YEARS),
]

_UNABLE: Final = frozenset({"u", UNABLE, "uta", "unmeasurable", "unrecordable", "not measurable"})
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


def not_a_number(label: str, example: str) -> forms.ValidationError:
    return forms.ValidationError(f"Enter {label.lower()} as a number, such as {example}")


class LimitedText(forms.CharField):
    """Text with a limit. A longer text is refused whole, and the reason says by how much.

    Line ends count as one character, as they do in the browser.
    """

    def __init__(self, *, limit: int, label: str, **options: Any) -> None:
        super().__init__(label=label, **options)
        self.limit, self._label = limit, label

    def to_python(self, value: Any) -> str:
        text = str(super().to_python(value) or "").replace("\r\n", "\n")
        return text if written(text) else ""

    def validate(self, value: str) -> None:
        super().validate(value)
        if len(value) > self.limit:
            raise forms.ValidationError(
                f"{self._label} has {len(value):,} characters; the limit is {self.limit:,}. "
                "Nothing was cut: shorten it and submit again"
            )


class ReadingWidget(forms.Widget):
    """A number field and a check box "could not be measured". It works without scripts."""

    def value_from_datadict(
        self, data: Mapping[str, Any], files: object, name: str
    ) -> tuple[str, bool]:
        return str(data.get(name, "")), bool(data.get(f"{name}_unmeasurable"))


class ReadingField(forms.Field):
    """A vital sign. An empty field means not taken. The cleaned value is a `Reading`."""

    widget = ReadingWidget

    def __init__(self, vital: str) -> None:
        super().__init__(required=False, label=VITAL_RANGES[vital].label)
        self._vital = vital

    def clean(self, value: tuple[str, bool]) -> Reading:
        text, unmeasurable = value[0].strip(), value[1]
        if text.lower() in _UNABLE:
            return UNMEASURABLE
        if text and unmeasurable:
            raise forms.ValidationError("Enter a number or check “could not be measured”, not both")
        if unmeasurable:
            return UNMEASURABLE
        return self._number(text) if text else NOT_TAKEN

    def _number(self, text: str) -> float:
        number = read_reading(text, self._vital)
        if number is not None:
            return int(number) if number == int(number) else number
        fahrenheit = read_fahrenheit(text) if self._vital == "temp_c" else None
        if fahrenheit is not None:
            raise forms.ValidationError(
                f"Temperature {fahrenheit:g} °F is {celsius(fahrenheit):.1f} °C. Enter it in °C"
            )
        raise not_a_number(str(VITAL_RANGES[self._vital].label), _EXAMPLES[self._vital])
