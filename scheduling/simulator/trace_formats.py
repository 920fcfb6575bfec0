"""Which columns of a file hold what: our own format and four public traces.

Names are compared without case, blanks and punctuation. Public traces have no priority; one of
three stated rules fills it in:

uniform    each level with the same probability, drawn from the seed
ems        drawn from the seed with the shares of 1,852 New York EMS incidents by median severity
           code (NYC Open Data, EMS Incident Dispatch): 1, 22, 29, 40 and 8 percent
by-length  by the rank of the prompt length: the shortest fifth is level 0, the longest level 4
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from random import Random
from types import MappingProxyType
from typing import Any, Final

from scheduling.core.request import NUM_PRIORITIES


class PriorityRule(StrEnum):
    """Where the priority of a request comes from when the file has none."""

    UNIFORM = "uniform"
    EMS = "ems"
    BY_LENGTH = "by-length"


_EMS_SHARES: Final = (0.013, 0.218, 0.286, 0.402, 0.081)
_EPOCH_FROM: Final = 100_000_000  # seconds; a relative time of three years is none
# Epoch times of this size are in milliseconds, microseconds or nanoseconds; as seconds they
# would lie in the year 5138 or later.
_EPOCH_UNITS: Final = ((10**17, 10**9), (10**14, 10**6), (10**11, 10**3))
_WANTED: Final = ("arrival", "prompt", "output")
_MAX_SHOWN: Final = 40  # characters of a wrong value
_DATE: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d+)?\s*(Z|[+-]\d\d:?\d\d)?", re.ASCII
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceFormat:
    """`columns` gives the plain names under which a field may stand."""

    name: str
    columns: Mapping[str, tuple[str, ...]]
    published_header: str
    units_per_second: int = 1
    is_public: bool = True

    def missing(self, plain_names: Collection[str]) -> list[str]:
        """The fields for which none of the names is there."""
        return [field for field in _WANTED if not set(self.columns[field]) & set(plain_names)]

    def repeated(self, names: Sequence[str]) -> str:
        """The first column with a field of this format that stands twice; else empty."""
        fields = [name for options in self.columns.values() for name in options]
        plain_names = [plain(name) for name in names]
        return next(
            (n.strip() for n in names if plain(n) in fields and plain_names.count(plain(n)) > 1), ""
        )

    def published_name(self, field: str) -> str:
        """The column of a field as its publisher writes it."""
        names = re.split(r"[,\[(]", self.published_header)
        return next((n.strip() for n in names if plain(n) in self.columns.get(field, ())), field)


def _public(
    name: str, header: str, arrival: str, prompt: str, output: str, per_second: int = 1
) -> TraceFormat:
    columns = {"arrival": (arrival,), "prompt": (prompt,), "output": (output,)}
    return TraceFormat(
        name=name, columns=columns, published_header=header, units_per_second=per_second
    )


OWN: Final = TraceFormat(
    name="own",
    columns=MappingProxyType(
        {
            "arrival": ("arrival", "arrivalseconds"),
            "priority": ("priority",),
            "prompt": ("prompt", "prompttokens"),
            "output": ("output", "outputtokens"),
            "predicted": ("predicted", "predictedtokens"),
            "predicted_priority": ("predictedpriority",),
            "published_enqueue_seconds": ("publishedenqueueseconds",),
            "sent": ("sent", "sentseconds"),
            "group": ("group",),
            "id": ("id",),
        }
    ),
    published_header="arrival,priority,prompt,output[,predicted]",
    is_public=False,
)
PUBLIC: Final = (
    _public(
        "Azure",
        "TIMESTAMP,ContextTokens,GeneratedTokens",
        "timestamp",
        "contexttokens",
        "generatedtokens",
    ),
    _public(
        "BurstGPT",
        "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type",
        "timestamp",
        "requesttokens",
        "responsetokens",
    ),
    _public(
        "Vidur",
        "arrived_at,num_prefill_tokens,num_decode_tokens",
        "arrivedat",
        "numprefilltokens",
        "numdecodetokens",
    ),
    _public(
        "Mooncake",
        "timestamp,input_length,output_length (milliseconds)",
        "timestamp",
        "inputlength",
        "outputlength",
        1000,
    ),
)


def plain(name: object) -> str:
    """`Request tokens`, `request_tokens` and `RequestTokens` are one name."""
    return re.sub(r"[^a-z0-9]", "", str(name).lower())


def format_of(names: Collection[str]) -> TraceFormat | None:
    """The format whose columns are all there; None where no format fits."""
    plain_names = {plain(name) for name in names}
    for known in (OWN, *PUBLIC):
        if not known.missing(plain_names):
            return known
    return None


def header_fault(names: Sequence[str]) -> str:
    """Why a header fits no format: the field that is missing, what is wanted, what was found."""
    plain_names = {plain(name) for name in names}
    nearest = min((OWN, *PUBLIC), key=lambda known: len(known.missing(plain_names)))
    missing = nearest.missing(plain_names)
    wanted = "; ".join(f"{known.name}: {known.published_header}" for known in PUBLIC)
    found = ", ".join(name.strip() for name in names)[:200] or "nothing"
    field, what = "header", "no known columns"
    if len(missing) < len(_WANTED):
        field = nearest.published_name(missing[0])
        what = "missing column" + (f" of a trace of {nearest.name}" if nearest.is_public else "")
    return f"{field}: {what}; wanted: {OWN.published_header}; or {wanted}; found: {found}"


def own_record(record: Mapping[str, Any], known: TraceFormat) -> dict[str, Any]:
    """The record under our own field names, without columns that mean nothing here, and
    without empty ones."""
    by_plain = {plain(name): value for name, value in record.items()}
    found: dict[str, Any] = {}
    for field, names in {"priority": ("priority",), "id": ("id",), **known.columns}.items():
        for name in names:
            if by_plain.get(name) is not None:
                found[field] = by_plain[name]
                break
    return found


def column_of(field: str, record: Mapping[str, Any], known: TraceFormat) -> str:
    """The column of a field as it stands in the file; where it is missing, as it should."""
    names = known.columns.get(field, (field,))
    found = (str(name).strip() for name in record if plain(name) in names)
    return next(found, known.published_name(field))


def moment(value: Any, known: TraceFormat) -> Decimal:
    """Seconds, exactly, of a number or of a date with a time. Raises ValueError."""
    text = str(value).strip()
    dated = _DATE.fullmatch(text)
    if dated is None:
        try:
            number = Decimal(text)
        except InvalidOperation:
            kinds = "a number or a date with a time" if known.is_public else "a number"
            raise ValueError(f"must be {kinds}, not {shown(value)}") from None
        if not number.is_finite():
            raise ValueError(f"must be finite, not {shown(value)}")
        return number / known.units_per_second
    day, time, fraction, zone = dated.groups()
    offset = "+00:00" if zone in (None, "Z") else zone
    try:
        whole = datetime.strptime(f"{day} {time} {offset}", "%Y-%m-%d %H:%M:%S %z")
        seconds = int(whole.astimezone(UTC).timestamp())
    except (ValueError, OverflowError):
        raise ValueError(f"not a date with a time: {shown(value)}") from None
    return seconds + Decimal(fraction or "0")


def shown(value: Any) -> str:
    """A wrong value for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."


def figure(number: float) -> str:
    """A number for a message: 1,000,000 and not 1e+06."""
    return f"{number:,.15g}"


def epoch_units(moments: Sequence[Decimal]) -> int:
    """How many units of the times make a second: more than 1 for epoch times in milliseconds
    and finer."""
    first = min(moments, default=Decimal(0))
    return next((units for least, units in _EPOCH_UNITS if first >= least), 1)


def zero_of(moments: Sequence[Decimal], known: TraceFormat) -> Decimal:
    """What to subtract: the first arrival of a public trace or of epoch times, else nothing."""
    first = min(moments, default=Decimal(0))
    return first if known.is_public or first >= _EPOCH_FROM else Decimal(0)


def priorities_by(rule: PriorityRule, prompts: Sequence[int], seed: int) -> list[int]:
    """A priority for each request of the given prompt lengths, in their order."""
    random = Random(seed)
    if rule is PriorityRule.UNIFORM:
        return [random.randrange(NUM_PRIORITIES) for _ in prompts]
    if rule is PriorityRule.EMS:
        return random.choices(range(NUM_PRIORITIES), _EMS_SHARES, k=len(prompts))
    ranked = sorted(range(len(prompts)), key=lambda index: (prompts[index], index))
    levels = [0] * len(prompts)
    for place, index in enumerate(ranked):
        levels[index] = place * NUM_PRIORITIES // len(prompts)
    return levels
