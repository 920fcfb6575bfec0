"""The shape of a safety-net rule. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from triage_site.triage.facts import CaseFacts
from triage_site.triage.reading.note import compile_pattern

RULES_VERSION: Final = "2026.11-2"

ESI: Final = "ESI v5 (ENA 2023), own words"
CTAS: Final = "CTAS/KTAS first-order modifiers, own words"
MTS: Final = "MTS general discriminators, own words; to be confirmed by a clinician"
NET: Final = "safety-net list of this project; to be confirmed by a clinician"
_NEVER: Final = re.compile(r"(?!)")


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRule:
    """Fires where every pattern of `all_of` stands in the note as present, in any order.

    `unless` takes a mention back when it stands in the same sentence. Ages are half open:
    `from_years` <= age < `until_years`; an unknown age satisfies every bound, so that it never
    silences a rule. `fires` and `silent` are the rule's own test cases.
    """

    code: str
    label: str
    min_priority: int
    source: str
    all_of: tuple[re.Pattern[str], ...]
    fires: tuple[str, ...]
    silent: tuple[str, ...]
    unless: re.Pattern[str] = _NEVER
    from_years: float = 0.0
    until_years: float = 200.0
    version: str = RULES_VERSION

    def fits_age(self, age_years: float | None) -> bool:
        return age_years is None or self.from_years <= age_years < self.until_years


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalRule:
    """Fires where `holds` says so; `detail` words the numbers behind it for people."""

    code: str
    label: str
    min_priority: int
    source: str
    holds: Callable[[CaseFacts], bool]
    fires: tuple[dict[str, object], ...]
    silent: tuple[dict[str, object], ...]
    detail: Callable[[CaseFacts], str] = field(default=lambda _facts: "")
    version: str = RULES_VERSION


def text_rule(
    code: str,
    label: str,
    min_priority: int,
    *patterns: str,
    fires: tuple[str, ...],
    silent: tuple[str, ...],
    unless: str = "",
    source: str = NET,
    from_years: float = 0.0,
    until_years: float = 200.0,
) -> TextRule:
    """A row of a table: patterns in the notation of `compile_pattern`."""
    return TextRule(
        code=code,
        label=label,
        min_priority=min_priority,
        source=source,
        all_of=tuple(compile_pattern(pattern) for pattern in patterns),
        fires=fires,
        silent=silent,
        unless=compile_pattern(unless) if unless else _NEVER,
        from_years=from_years,
        until_years=until_years,
    )
