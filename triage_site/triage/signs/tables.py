"""The danger signs as rows of tables (`*.toml`), loaded and checked. Pure but for reading them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from triage_site.triage.reading import people
from triage_site.triage.reading.terms import joined, parse
from triage_site.triage.reading.words import ANTICOAGULANTS

FOLDER: Final = Path(__file__).resolve().parent
GROUPS_FILE: Final = "groups.toml"
# Code of a sign -> words of it that nobody has who is alert.
NOT_ALERT_SIGNS: Final = {
    "unresponsive": "",
    "unresponsive_unclear": "",
    "confusion": r"\b(?:confus|disorient|deliri|mak\w+ sense|drows|obtund|stupor|awake|altered)",
}
# Of these, what nobody has who responds to voice.
COMA_SIGN: Final = "unresponsive"
_NO: Final = re.compile(r"(?<![=\w])no(?=[\s/]|$)")
_OLDEST: Final = 200.0
_UNKNOWN_AGE: Final = 40.0
_MOST_MILD: Final = 2
_LEAST_EXAMPLES: Final = 3
_NEEDED: Final = frozenset(
    {"code", "name", "level", "terms", "source", "version", "fires", "silent"}
)
_FIELDS: Final = _NEEDED | {"ages", "with", "except", "complaint", "over"}


class BadTable(ValueError):
    """A row that cannot be used, with its file and code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """`with_any`: of each list one term must be present in the note as well. An exception is a
    longer phrase over the span of a term; a sign of level 0 has none."""

    code: str
    name: str
    level: int
    terms: tuple[str, ...]
    with_any: tuple[tuple[str, ...], ...]
    exceptions: tuple[str, ...]
    from_years: float
    until_years: float
    source: str
    version: str
    group: str  # name of the file
    fires: tuple[str, ...]
    silent: tuple[str, ...]
    complaint: str
    over: str  # the name where the note says that it is over, then at least of level 1

    @property
    def has_no_oldest(self) -> bool:
        return self.until_years >= _OLDEST

    @property
    def is_of_every_age(self) -> bool:
        return self.from_years <= 0 and self.has_no_oldest

    def fits_age(self, age_years: float | None) -> bool:
        """An unknown age is an adult's."""
        age = _UNKNOWN_AGE if age_years is None else age_years
        return self.from_years <= age < self.until_years


@cache
def word_groups() -> Mapping[str, tuple[str, ...]]:
    data = tomllib.loads((FOLDER / GROUPS_FILE).read_text(encoding="utf-8"))
    groups = {name: tuple(words) for name, words in data["groups"].items()}
    return people.GROUPS | groups | {"thinner": (*groups["thinner"], *ANTICOAGULANTS)}


@cache
def signs() -> tuple[Sign, ...]:
    """All signs, most urgent first. Raises BadTable."""
    found = [
        _sign(row, file.stem)
        for file in sorted(FOLDER.glob("*.toml"))
        if file.name != GROUPS_FILE
        for row in tomllib.loads(file.read_text(encoding="utf-8")).get("sign", [])
    ]
    codes = [sign.code for sign in found]
    twice = {code for code in codes if codes.count(code) > 1}
    if twice:
        raise BadTable(f"used twice: {', '.join(sorted(twice))}")
    return tuple(sorted(found, key=lambda sign: sign.level))


def _sign(row: Mapping[str, Any], group: str) -> Sign:
    where = f"{group}.toml, {row.get('code', '?')}"
    unknown = set(row) - _FIELDS
    if unknown:
        raise BadTable(f"{where}: unknown {', '.join(sorted(unknown))}")
    try:
        sign = _from_row(row, group)
        for term in (*sign.terms, *sign.exceptions, *(t for some in sign.with_any for t in some)):
            parse(term, word_groups())
    except (KeyError, TypeError, ValueError) as error:
        raise BadTable(f"{where}: {error}") from None
    if not 0 <= sign.level <= _MOST_MILD:
        raise BadTable(f"{where}: level must be 0, 1 or 2")
    if sign.level == 0 and sign.exceptions:
        raise BadTable(f"{where}: a sign of level 0 has no exceptions")
    if min(len(sign.fires), len(sign.silent)) < _LEAST_EXAMPLES:
        raise BadTable(f"{where}: needs {_LEAST_EXAMPLES} texts that fire and as many silent ones")
    return sign


def _terms(rows: Iterable[str | Sequence[str]]) -> tuple[str, ...]:
    """In parts or whole; "nil" says "no"."""
    return tuple(_NO.sub("no/nil", term) for term in joined(rows))


def _from_row(row: Mapping[str, Any], group: str) -> Sign:
    ages = row.get("ages", {})
    return Sign(
        code=row["code"],
        name=row["name"],
        level=int(row["level"]),
        terms=_terms(row["terms"]),
        with_any=tuple(_terms(some) for some in row.get("with", ())),
        exceptions=joined(row.get("except", ())),
        from_years=float(ages.get("from", 0.0)),
        until_years=float(ages.get("until", _OLDEST)),
        source=row["source"],
        version=row["version"],
        group=group,
        fires=tuple(row["fires"]),
        silent=tuple(row["silent"]),
        complaint=row.get("complaint", ""),
        over=row.get("over", ""),
    )
