"""Service models in a JSON file. The name of each number contains its unit.

A step-time model, written by hand:

    {
      "format": "step-time/1",
      "name": "cpu_embedded",
      "base_seconds": 0.004,
      "seconds_per_new_token": 0.0004,
      "seconds_per_kv_token": 0.000002,
      "num_slots": 8,
      "max_step_tokens": 256,
      "num_kv_blocks": 512,
      "kv_block_tokens": 32,
      "swap_seconds_per_token": null,
      "measured_on": "machine, model and method of the fit"
    }

One step takes base_seconds + seconds_per_new_token x (tokens computed in the step) +
seconds_per_kv_token x (tokens of context that the step reads). `num_kv_blocks` null: memory
has no limit. `swap_seconds_per_token` null: evicted KV is always recomputed.

A model that was measured on a site has the format "measured/1" and the fields of
`MeasuredModel`. The JSON export of a comparison holds one as `service_model` and can be given
itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final

from scheduling.files import CannotUse, NotJson, parse_json, read_text
from scheduling.simulator.hardware import (
    ServiceModel,
    StepTimeModel,
    UnknownSetting,
    published_setting,
)
from scheduling.simulator.measured import MeasuredModel

FORMAT: Final = "step-time/1"
MEASURED_FORMAT: Final = "measured/1"
_OF_EXPORT: Final = "service_model"
_TIMES: Final = ("base_seconds", "seconds_per_new_token", "seconds_per_kv_token")
_MOST: Final = 10**9
_COUNTS: Final = ("num_slots", "max_step_tokens")
_OPTIONAL: Final = ("num_kv_blocks", "kv_block_tokens", "swap_seconds_per_token", "measured_on")


def load_setting(name_or_file: str) -> ServiceModel:
    """Returns a published setting by name, or a model from a `.json` file.

    Raises UnknownSetting with file, field and reason.
    """
    if not name_or_file.endswith(".json"):
        return published_setting(name_or_file)
    path = Path(name_or_file)
    try:
        content = parse_json(read_text(path))
    except CannotUse as error:
        raise UnknownSetting(str(error)) from None
    except NotJson as error:
        raise UnknownSetting(f"{path}: not JSON: {error}") from None
    return parse_setting(content, str(path))


def measured_setting(model: MeasuredModel) -> dict[str, Any]:
    """What `parse_setting` reads back to the same model."""
    return {"format": MEASURED_FORMAT, **asdict(model)}


def parse_setting(content: Any, where: str) -> ServiceModel:
    """Returns the model of parsed JSON. Raises UnknownSetting with `where`, field and reason."""
    if not isinstance(content, dict):
        raise UnknownSetting(f"{where}: must be one JSON object")
    if isinstance(content.get(_OF_EXPORT), dict):
        content, where = content[_OF_EXPORT], f"{where}: {_OF_EXPORT}"
    if content.get("format") == MEASURED_FORMAT:
        return _measured(content, where)
    if content.get("format") != FORMAT:
        raise UnknownSetting(
            f"{where}: format: must be {FORMAT!r} or {MEASURED_FORMAT!r}, "
            f"not {content.get('format')!r:.80}"
        )
    return _step_time(content, where)


def _measured(content: Mapping[str, Any], where: str) -> MeasuredModel:
    known = {field.name for field in fields(MeasuredModel)}
    _refuse_unknown(content, {"format", *known}, where)
    times = {
        field: _number(content, field, where) for field in sorted(known - {"name", "num_slots"})
    }
    slots = _count(content, "num_slots", where)
    return MeasuredModel(name=str(content.get("name") or where), num_slots=slots, **times)


def _refuse_unknown(content: Mapping[str, Any], known: set[str], where: str) -> None:
    for field in content:
        if field not in known:
            raise UnknownSetting(f"{where}: {field}: unknown field")


def _step_time(content: Mapping[str, Any], where: str) -> StepTimeModel:
    _refuse_unknown(content, {"format", "name", *_TIMES, *_COUNTS, *_OPTIONAL}, where)
    times = {field: _number(content, field, where) for field in _TIMES}
    counts = {field: _count(content, field, where) for field in _COUNTS}
    if counts["max_step_tokens"] <= counts["num_slots"]:
        raise UnknownSetting(f"{where}: max_step_tokens: must exceed num_slots, or nothing starts")
    if times["base_seconds"] + times["seconds_per_new_token"] <= 0:
        raise UnknownSetting(f"{where}: base_seconds: a step must take some time")
    blocks = content.get("num_kv_blocks")
    swap = content.get("swap_seconds_per_token")
    return StepTimeModel(
        name=str(content.get("name") or where),
        base_seconds=times["base_seconds"],
        seconds_per_new_token=times["seconds_per_new_token"],
        seconds_per_kv_token=times["seconds_per_kv_token"],
        num_slots=counts["num_slots"],
        max_step_tokens=counts["max_step_tokens"],
        num_kv_blocks=None if blocks is None else _count(content, "num_kv_blocks", where),
        kv_block_tokens=_count({"kv_block_tokens": 32, **content}, "kv_block_tokens", where),
        swap_seconds_per_token=(
            None if swap is None else _number(content, "swap_seconds_per_token", where)
        ),
    )


def _number(content: Mapping[str, Any], field: str, where: str) -> float:
    value = content.get(field)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnknownSetting(f"{where}: {field}: must be a number, not {value!r:.80}")
    if not 0 <= value <= _MOST:
        raise UnknownSetting(f"{where}: {field}: must be finite and not negative")
    return float(value)


def _count(content: Mapping[str, Any], field: str, where: str) -> int:
    value = content.get(field)
    if isinstance(value, bool) or not isinstance(value, int):
        raise UnknownSetting(f"{where}: {field}: must be a whole number, not {value!r:.80}")
    if value < 1:
        raise UnknownSetting(f"{where}: {field}: must be at least 1")
    if value > _MOST:
        raise UnknownSetting(f"{where}: {field}: must be at most {_MOST}")
    return value
