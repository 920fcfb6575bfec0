"""The text form of a request in Redis: ids and numbers, with its score under every policy.

Only Python computes scores. A record contains all of them, so that a Lua script can sort a
request, or all requests under another policy, without a call back to Python.

A record is one line of text:

    priority due arrival prompt predicted generated first manual ,policy=score,... tie

`due` is the deadline that the request is sorted by. `manual` is `-`, or the values of a manual
place and the request's own deadline.
`digits` sort requests with the same deadline, for policies with a bounded wait. `tie` is the
tie token. It ends with the id, which may contain spaces, so it is the last field.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from scheduling.core.policies import Policy, number_token, queue_score, tie_token
from scheduling.core.request import ManualPlace, Request

# The order of the fields, for Python and for the Lua scripts.
FIELDS: Final = (
    *("priority", "due", "arrival", "prompt", "predicted", "generated", "first", "manual"),
    *("scores", "tie"),
)
_LUA_FIELDS: Final = ("priority", "due", "arrival", "scores", "tie")  # what the scripts need
_LUA_PATTERNS: Final = {
    "priority": "[0-4]",
    "due": "%S+",
    "arrival": "%S+",
    "prompt": "%d+",
    "predicted": "%d+",
    "generated": "%d+",
    "first": "[01]",
    "manual": "%S+",
    "scores": ",%S+,",
    "tie": "%x+:.+",
}


def record_of(request: Request, policies: Mapping[str, Policy]) -> str:
    """Returns the record of a request. Equal requests and policies give equal text.

    Floats are written without rounding. Raises ValueError if a key has no exact score.
    """
    scores = ",".join(_score(request, policy) for policy in policies.values())
    values = {
        "priority": str(int(request.priority)),
        "due": repr(float(request.sorted_due_seconds)),
        "arrival": repr(float(request.arrival_seconds)),
        "prompt": str(request.prompt_tokens),
        "predicted": str(request.predicted_tokens),
        "generated": str(request.generated_tokens),
        "first": str(int(request.first_in_level)),
        "manual": _manual_text(request),
        "scores": f",{scores},",
        "tie": tie_token(request),
    }
    return " ".join(values[field] for field in FIELDS)


def request_of(record: str) -> Request:
    """Returns the request of a record."""
    values = dict(zip(FIELDS, record.split(" ", len(FIELDS) - 1), strict=True))
    manual, due = _manual_of(values["manual"], float(values["due"]))
    return Request(
        id=values["tie"].partition(":")[2],
        arrival_seconds=float(values["arrival"]),
        priority=int(values["priority"]),
        prompt_tokens=int(values["prompt"]),
        predicted_tokens=int(values["predicted"]),
        generated_tokens=int(values["generated"]),
        due_seconds=due,
        first_in_level=values["first"] == "1",
        manual=manual,
    )


def _manual_text(request: Request) -> str:
    place = request.manual
    if place is None:
        return "-"
    own_due, arrival, nudge = map(
        repr, map(float, (request.due_seconds, place.arrival_seconds, place.nudge))
    )
    return f"{own_due}:{arrival}:{place.tokens}:{nudge}:{int(place.first_in_level)}"


def _manual_of(text: str, due_seconds: float) -> tuple[ManualPlace | None, float]:
    """Returns the manual place and the request's own deadline."""
    if text == "-":
        return None, due_seconds
    own_due, arrival, tokens, nudge, first = text.split(":")
    place = ManualPlace(
        arrival_seconds=float(arrival),
        tokens=int(tokens),
        due_seconds=due_seconds,
        nudge=float(nudge),
        first_in_level=first == "1",
    )
    return place, float(own_due)


def lua_split_record() -> str:
    """Returns the Lua function `split_record(text)`: a table of the fields that scripts need.

    The function returns nil if the text is not a record.
    """
    pattern = " ".join(
        f"({_LUA_PATTERNS[field]})" if field in _LUA_FIELDS else _LUA_PATTERNS[field]
        for field in FIELDS
    )
    names = ", ".join(field for field in FIELDS if field in _LUA_FIELDS)
    table = ", ".join(f"{field} = {field}" for field in _LUA_FIELDS)
    return (
        "local function split_record(text)\n"
        f"  local {names} = string.match(text, '^{pattern}$')\n"
        f"  return priority and {{{table}}}\n"
        "end\n"
    )


def _score(request: Request, policy: Policy) -> str:
    score = queue_score(policy(request.as_sorted))
    digits = f":{number_token(score)}" if policy.bounded_wait else ""
    return f"{policy.name}={score!r}{digits}"
