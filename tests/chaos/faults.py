"""The faults of a chaos run, drawn from a seed, and how each is done to a site."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import redis

from tests.chaos.site import Site, children


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`seconds` is how long a freeze or a silence lasts; 0 for a kill."""

    kind: str
    part: str
    seconds: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.kind} {self.part}"


# A silence is longer than the leases and time-outs of the run, a freeze is shorter or about as
# long. Weights: how often each comes.
_SECONDS: Final = {"freeze": (0.5, 4.0), "silence": (8.0, 14.0), "lock": (1.0, 5.0)}
_COMMON: Final = (
    ("kill", "gpu", 4),
    ("kill", "classify", 2),
    ("kill", "classify child", 2),
    ("kill", "web", 2),
    ("kill", "redis", 2),
    ("flush", "redis", 2),
    ("freeze", "gpu", 2),
    ("freeze", "classify", 1),
    ("freeze", "web", 1),
    ("freeze", "redis", 2),
    ("silence", "gpu", 2),
    ("silence", "classify", 1),
    ("silence", "classify child", 1),
    ("silence", "redis", 1),
)
_POSTGRES: Final = (
    ("kill", "postgres child", 2),
    ("restart", "postgres", 2),
    ("freeze", "postgres", 1),
    ("silence", "postgres", 1),
)
_SQLITE: Final = (("lock", "sqlite", 2),)


def draw(num: int, seed: int, *, on_postgres: bool) -> list[Fault]:
    """`num` faults in an order that depends on the seed only; each kind comes early once."""
    kinds = (*_COMMON, *(_POSTGRES if on_postgres else _SQLITE))
    chance = random.Random(seed)
    first = chance.sample(kinds, len(kinds))
    more = chance.choices(kinds, weights=[weight for _, _, weight in kinds], k=num)
    chosen = [*first, *more][:num]
    return [
        Fault(kind=kind, part=part, seconds=round(chance.uniform(*_SECONDS.get(kind, (0, 0))), 1))
        for kind, part, _ in chosen
    ]


def inject(site: Site, fault: Fault, seed: int) -> None:
    """Returns when the fault is over: after a freeze, when the part goes on."""
    actions: dict[str, Callable[[], None]] = {
        "flush": lambda: _flush(site),
        "lock": lambda: _lock_sqlite(site, fault.seconds),
        "restart": lambda: _restart_postgres(site),
        "kill": lambda: _kill(site, fault.part, seed),
    }
    action = actions.get(fault.kind)
    if action is not None:
        action()
    else:
        _stop_for(_chosen(site, fault.part, seed), fault.seconds)


def _kill(site: Site, part: str, seed: int) -> None:
    pids = _chosen(site, part, seed)
    for pid in pids if part.endswith(" child") else pids[:1]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _chosen(site: Site, part: str, seed: int) -> list[int]:
    """The processes of a part, or one of its children."""
    name, _, child = part.partition(" ")
    pids = _processes(site, name)
    return [random.Random(seed).choice(pids[1:] or pids)] if child else pids


def _stop_for(pids: Sequence[int], seconds: float) -> None:
    _signal(pids, signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        _signal(pids, signal.SIGCONT)


def _signal(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _processes(site: Site, part: str) -> list[int]:
    """The main process of a part first, then its children."""
    if part == "postgres":
        assert site.postgres is not None
        main = site.postgres.pid()
    else:
        main = site.pid(part)
    return [main, *children(main)]


def _flush(site: Site) -> None:
    with suppress(redis.RedisError):
        site.redis().flushall()


def _restart_postgres(site: Site) -> None:
    assert site.postgres is not None
    site.postgres.restart()


def _lock_sqlite(site: Site, seconds: float) -> None:
    database = sqlite3.connect(site.data_dir / "triage.sqlite3", isolation_level=None, timeout=20)
    try:
        database.execute("BEGIN EXCLUSIVE")
        time.sleep(seconds)
        database.execute("ROLLBACK")
    finally:
        database.close()
