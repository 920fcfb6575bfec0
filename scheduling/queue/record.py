"""A request as Redis keeps it: ids and numbers, with its score under every policy.

All scores travel with the request because the formula lives in Python alone: the scripts
can then place a request, and switch the policy for all of them, without asking back.

One line of text, which a script takes apart in a microsecond:

    priority due arrival prompt predicted generated ,policy=score,policy=score:digits, tie

`digits` order requests of the same due time, for policies with a bounded wait. `tie` is the
tie token; it ends with the id, which may hold anything, so it comes last.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from scheduling.core.policies import Policy, queue_score, tie_token
from scheduling.core.request import Request

_SIGN_BIT = 1 << 63
_ALL_BITS = (1 << 64) - 1
_NUM_SPACES = 7


def sortable(score: float) -> str:
    """Sixteen hexadecimal digits whose byte order is the order of all finite floats."""
    (bits,) = struct.unpack(">Q", struct.pack(">d", score + 0.0))
    return f"{bits ^ (_ALL_BITS if bits & _SIGN_BIT else _SIGN_BIT):016x}"


def record_of(request: Request, policies: Mapping[str, Policy]) -> str:
    """Equal text for equal requests and policies. Floats are written so that nothing rounds.

    Raises ValueError where a policy's key has no exact score.
    """
    scores = ",".join(_score(request, policy) for policy in policies.values())
    return (
        f"{int(request.priority)} {float(request.due_seconds)!r} "
        f"{float(request.arrival_seconds)!r} {request.prompt_tokens} "
        f"{request.predicted_tokens} {request.generated_tokens} ,{scores}, {tie_token(request)}"
    )


def request_of(record: str) -> Request:
    priority, due, arrival, prompt, predicted, generated, _, tie = record.split(" ", _NUM_SPACES)
    return Request(
        id=tie.partition(":")[2],
        arrival_seconds=float(arrival),
        priority=int(priority),
        prompt_tokens=int(prompt),
        predicted_tokens=int(predicted),
        generated_tokens=int(generated),
        due_seconds=float(due),
    )


def _score(request: Request, policy: Policy) -> str:
    score = queue_score(policy(request))
    digits = f":{sortable(score)}" if policy.bounded_wait else ""
    return f"{policy.name}={score!r}{digits}"
