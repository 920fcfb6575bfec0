"""What a comparison is asked for, as JSON, checked field by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import isfinite
from typing import Any, Final

from scheduling.core.policies import POLICIES, Preemption
from scheduling.simulator.error_models import ErrorModel
from scheduling.simulator.hardware import REFUSED, SETTINGS
from scheduling.simulator.trace_formats import PriorityRule
from scheduling.simulator.workload import DEFAULT_NUM_GROUPS, WorkloadSpec

MEASURED: Final = "measured"  # the setting that is fitted to this site's recorded jobs
DEFAULT_SETTING: Final = "A100_4B"
DEFAULT_ERROR_RATE: Final = 0.1
MAX_GROUPS: Final = 100_000
MAX_REQUESTS: Final = 200_000
MAX_SLOTS: Final = 1024
MIN_SPEED: Final = 0.1  # of a fixture, as of a replay
MAX_SPEED: Final = 600.0
_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 9998  # so that every time zone can show the moment
ERRORS: Final = ("none", "length", "priority", "both")


class BadChoice(ValueError):
    """A field that cannot be used; `str()` gives "field: reason"."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field, self.reason = field, reason


class LoadKind(StrEnum):
    SYNTHETIC = "synthetic"
    FIXTURE = "fixture"
    RECORDED = "recorded"
    FILE = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Where the requests come from. Only the fields of its kind mean something."""

    kind: LoadKind
    user_request_gap: float = 1.0
    max_concurrent_user_requests: int = 5
    gap_num: int = DEFAULT_NUM_GROUPS
    name: str = ""
    speed: float = 1.0  # of a fixture: 60 sends the calls of an hour in a minute
    since: datetime | None = None
    until: datetime | None = None
    upload: str = ""
    priorities: PriorityRule | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """A whole comparison."""

    load: Load
    setting: str = DEFAULT_SETTING
    policies: tuple[str, ...] = tuple(POLICIES)
    seed: int = 0
    slots: int | None = None
    preemption: Preemption = Preemption.KEY
    error: str = "none"
    error_rate: float = DEFAULT_ERROR_RATE
    error_distance: float | None = None

    def workload_spec(self) -> WorkloadSpec:
        """The random stream, and the errors of the predictions for loads of every kind."""
        distance = self.error_rate if self.error_distance is None else self.error_distance
        model = ErrorModel(rate=self.error_rate, distance=distance)
        return WorkloadSpec(
            gap_seconds=self.load.user_request_gap,
            max_concurrent=self.load.max_concurrent_user_requests,
            num_groups=self.load.gap_num,
            seed=self.seed,
            length_error=model if self.error in ("length", "both") else None,
            priority_error=model if self.error in ("priority", "both") else None,
        )


def choices_from(data: Mapping[str, Any]) -> Choices:
    """Raises BadChoice for the first field that cannot be used."""
    _known(data, "body", tuple(Choices.__dataclass_fields__))
    policies = tuple(_strings(data, "policies", tuple(POLICIES)))
    for policy in policies:
        if policy not in POLICIES:
            raise BadChoice("policies", f"{policy!r} is none of {', '.join(POLICIES)}")
    if not policies:
        raise BadChoice("policies", "choose at least one")
    return Choices(
        load=load_from(data.get("load")),
        setting=_setting(data),
        policies=tuple(name for name in POLICIES if name in policies),
        seed=_whole(data, "seed", 0, -(2**53), 2**53),
        slots=None if data.get("slots") is None else _whole(data, "slots", 1, 1, MAX_SLOTS),
        preemption=Preemption(
            _one_of(data, "preemption", [m.value for m in Preemption], Preemption.KEY.value)
        ),
        error=_one_of(data, "error", ERRORS, "none"),
        error_rate=_number(data, "error_rate", DEFAULT_ERROR_RATE, 0, 1),
        error_distance=(
            None if data.get("error_distance") is None else _number(data, "error_distance", 0, 0, 1)
        ),
    )


def load_from(data: Any) -> Load:
    """Raises BadChoice."""
    if not isinstance(data, Mapping):
        raise BadChoice("load", "must be an object with a kind")
    kind = LoadKind(_one_of(data, "kind", [kind.value for kind in LoadKind], None, "load"))
    _known(data, "load", _FIELDS[kind])
    if kind is LoadKind.SYNTHETIC:
        return _synthetic(data)
    if kind is LoadKind.FIXTURE:
        speed = _number(data, "speed", 1.0, MIN_SPEED, MAX_SPEED)
        return Load(kind=kind, name=_text(data, "name"), speed=speed)
    if kind is LoadKind.RECORDED:
        since, until = _moment(data, "since"), _moment(data, "until")
        if since >= until:
            raise BadChoice("until", "must be later than since")
        return Load(kind=kind, since=since, until=until)
    rule = None
    if data.get("priorities") not in (None, ""):
        rule = PriorityRule(_one_of(data, "priorities", [r.value for r in PriorityRule], None))
    return Load(kind=kind, upload=_text(data, "upload"), priorities=rule)


_FIELDS: Final[Mapping[LoadKind, tuple[str, ...]]] = {
    LoadKind.SYNTHETIC: ("kind", "user_request_gap", "max_concurrent_user_requests", "gap_num"),
    LoadKind.FIXTURE: ("kind", "name", "speed"),
    LoadKind.RECORDED: ("kind", "since", "until"),
    LoadKind.FILE: ("kind", "upload", "priorities"),
}


def _synthetic(data: Mapping[str, Any]) -> Load:
    load = Load(
        kind=LoadKind.SYNTHETIC,
        user_request_gap=_number(data, "user_request_gap", 1.0, 0, 1_000_000),
        max_concurrent_user_requests=_whole(
            data, "max_concurrent_user_requests", 5, 1, MAX_REQUESTS
        ),
        gap_num=_whole(data, "gap_num", DEFAULT_NUM_GROUPS, 1, MAX_GROUPS),
    )
    if load.max_concurrent_user_requests * load.gap_num > 2 * MAX_REQUESTS:
        raise BadChoice("gap_num", f"too many requests; at most {MAX_REQUESTS:,} on average")
    return load


def _setting(data: Mapping[str, Any]) -> str:
    name = str(data.get("setting") or DEFAULT_SETTING)
    if name in REFUSED:
        raise BadChoice("setting", f"{name}: {REFUSED[name]}")
    if name != MEASURED and name not in SETTINGS:
        raise BadChoice("setting", f"{name!r} is none of {', '.join((*SETTINGS, MEASURED))}")
    return name


def _known(data: Mapping[str, Any], what: str, fields: Sequence[str]) -> None:
    for field in data:
        if field not in fields:
            raise BadChoice(str(field), f"no such field of {what}; there are {', '.join(fields)}")


def _one_of(
    data: Mapping[str, Any],
    field: str,
    choices: Sequence[str],
    default: str | None,
    where: str = "",
) -> str:
    value = data.get(field)
    if value in (None, "") and default is not None:
        return default
    if value not in choices:
        name = f"{where}.{field}" if where else field
        raise BadChoice(name, f"must be one of {', '.join(choices)}")
    return str(value)


def _strings(data: Mapping[str, Any], field: str, default: Sequence[str]) -> Sequence[str]:
    value = data.get(field)
    if value is None:
        return default
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise BadChoice(field, "must be a list of names")
    return value


def _text(data: Mapping[str, Any], field: str) -> str:
    value = str(data.get(field) or "").strip()
    if not value:
        raise BadChoice(field, "is missing")
    return value


def _whole(data: Mapping[str, Any], field: str, default: int, low: int, high: int) -> int:
    number = _number(data, field, default, low, high)
    if number != int(number):
        raise BadChoice(field, "must be a whole number")
    return int(number)


def _number(data: Mapping[str, Any], field: str, default: float, low: float, high: float) -> float:
    value = data.get(field)
    if value in (None, ""):
        return default
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadChoice(field, "must be a number")
    number = float(value)
    if not isfinite(number) or not low <= number <= high:
        raise BadChoice(field, f"must lie in {low:,} to {high:,}")
    return number


def _moment(data: Mapping[str, Any], field: str) -> datetime:
    value = data.get(field)
    try:
        moment = (
            value if isinstance(value, datetime) else datetime.fromisoformat(_text(data, field))
        )
    except ValueError as error:
        if isinstance(error, BadChoice):
            raise
        raise BadChoice(field, "must be a date and time, such as 2026-03-01T08:00:00Z") from None
    if moment.tzinfo is None:
        raise BadChoice(field, "needs a time zone, such as Z or +01:00")
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise BadChoice(field, f"must lie in the years {_FIRST_YEAR} to {_LAST_YEAR}")
    return moment
