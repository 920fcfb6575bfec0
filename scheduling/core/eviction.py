"""Which requests lose their KV blocks when memory is short."""

from __future__ import annotations

from collections.abc import Sequence

from scheduling.core.kv_blocks import KVBlocks
from scheduling.core.policies import KeyFunction, order
from scheduling.core.preempted import PreemptedWithKV
from scheduling.core.request import Request


def lowest_ranked(
    with_kv: PreemptedWithKV, running: Sequence[Request], policy: KeyFunction, now: float
) -> Request | None:
    """Returns the last in rank of `with_kv` and `running`; None if both are empty."""
    last = with_kv.worst(now)
    for request in running:
        if last is None or order(request, policy, now) > order(last, policy, now):
            last = request
    return last


def victims_for(
    request: Request,
    num_missing: int,
    *,
    kv: KVBlocks,
    with_kv: PreemptedWithKV,
    running: Sequence[Request],
    policy: KeyFunction,
    now: float,
) -> list[Request]:
    """Returns requests that rank after `request` and together hold `num_missing` KV blocks.

    The lowest ranked comes first. The list is empty if they hold fewer blocks. `running` are
    the running requests that may be evicted. Each victim costs O(log n) for n in `with_kv`.
    """
    own_order = order(request, policy, now)
    evictable = sorted(running, key=lambda other: order(other, policy, now))
    requester_has_kv = request.id in with_kv
    with_kv.discard(request.id)
    removed: list[Request] = []
    victims: list[Request] = []
    while num_missing > 0:
        victim = lowest_ranked(with_kv, evictable[-1:], policy, now)
        if victim is None or order(victim, policy, now) <= own_order:
            break
        if evictable and victim is evictable[-1]:
            evictable.pop()
        else:
            with_kv.discard(victim.id)
            removed.append(victim)
        victims.append(victim)
        num_missing -= kv.held(victim.id)
    for waiting in [*removed, request] if requester_has_kv else removed:
        with_kv.push(waiting)
    return victims if num_missing <= 0 else []
