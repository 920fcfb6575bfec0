"""Whose KV memory is taken when there is too little."""

from __future__ import annotations

from collections.abc import Sequence

from scheduling.core.kv_blocks import KVBlocks
from scheduling.core.policies import KeyFunction, order
from scheduling.core.preempted import PreemptedWithKV
from scheduling.core.request import Request


def lowest_ranked(
    kept: PreemptedWithKV, running: Sequence[Request], policy: KeyFunction, now: float
) -> Request | None:
    """The last in rank among the waiting preempted and `running`; None where there is nobody."""
    last = kept.worst(now)
    for request in running:
        if last is None or order(request, policy, now) > order(last, policy, now):
            last = request
    return last


def victims_for(
    request: Request,
    num_missing: int,
    *,
    kv: KVBlocks,
    kept: PreemptedWithKV,
    running: Sequence[Request],
    policy: KeyFunction,
    now: float,
) -> list[Request]:
    """PreemptedWithKV of `num_missing` blocks that rank after `request`, lowest ranked first.

    Empty where they do not hold so many. `running` are those members that may be taken
    from. Costs O(log n) in the waiting preempted for each victim.
    """
    mine = order(request, policy, now)
    able = sorted(running, key=lambda other: order(other, policy, now))
    own = request.id in kept
    kept.discard(request.id)
    lifted: list[Request] = []
    victims: list[Request] = []
    while num_missing > 0:
        victim = lowest_ranked(kept, able[-1:], policy, now)
        if victim is None or order(victim, policy, now) <= mine:
            break
        if able and victim is able[-1]:
            able.pop()
        else:
            kept.discard(victim.id)
            lifted.append(victim)
        victims.append(victim)
        num_missing -= kv.held(victim.id)
    for holder in [*lifted, request] if own else lifted:
        kept.push(holder)
    return victims if num_missing <= 0 else []
