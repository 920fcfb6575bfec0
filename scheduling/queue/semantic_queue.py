"""The semantic queue in Redis: sorted sets, and one Lua script for each atomic method."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, cast

import redis

from scheduling.core.policies import POLICIES, Policy
from scheduling.core.request import PRIORITIES, Request
from scheduling.queue.protocol import (
    Claim,
    Lease,
    QueueCounts,
    Reaped,
    Replaced,
    UnknownPolicy,
    checked_time,
    checked_worker,
    lease_end,
)
from scheduling.queue.record import lua_split_record, record_of, request_of

_LUA: Final = Path(__file__).parent / "lua"
# The order of KEYS, for Python and for the Lua scripts. lua/prelude.lua describes each key.
_KEYS: Final = (
    "state",
    "jobs",
    "order",
    "urgent",
    "due",
    "leases",
    "holders",
    "counts",
    "changes",
)
_HASHES: Final = frozenset({"state", "jobs", "holders", "counts"})
_ALL: Final = 10**9
_STALE, _DONE = 0, 1


def tagged(name: str, key: str) -> str:
    """Returns a Redis key of queue `name`. The tag keeps all its keys in one cluster slot."""
    return f"{{triage:{name}}}:{key}"


@cache
def _source(move: str) -> str:
    names = ", ".join(key.upper() for key in _KEYS)
    files = ((_LUA / f"{file}.lua").read_text("utf-8") for file in ("prelude", move))
    return "\n".join([f"local {names} = unpack(KEYS)", lua_split_record(), *files])


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


class RedisSemanticQueue:
    """A `SemanticQueue` that any number of processes share. One request costs O(log n).

    Redis contains ids and numbers only. If its data is lost, `replace_all` rebuilds it.
    With `time="server"` leases and deadlines use the clock of Redis, so that hosts with
    different clocks agree; with "caller" they use the `now` of each call, for virtual time.
    Raises redis.RedisError during an outage, and UnknownPolicy if another process switched to
    a policy that this process does not have.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        name: str = "main",
        time: Literal["server", "caller"] = "server",
        policies: Mapping[str, Policy] = POLICIES,
        default_policy: str = "semantic",
    ) -> None:
        if wrong := [key for key, p in policies.items() if key != p.name or not key.isidentifier()]:
            raise ValueError(f"policies: {wrong[0]!r} must be an identifier and the policy's name")
        self._client = client
        self._takes_server_time = time == "server"
        self._policies = policies
        self._default = self._policy(default_policy)
        self._keys = [tagged(name, key) for key in _KEYS]
        self._key = dict(zip(_KEYS, self._keys, strict=True))
        self._scripts = {
            path.stem: client.register_script(_source(path.stem))
            for path in _LUA.glob("*.lua")
            if path.stem != "prelude"
        }

    def enqueue(self, request: Request) -> bool:
        return bool(self._move("enqueue", request.id, self._record(request)))

    def claim(
        self,
        worker: str,
        num: int,
        now: float,
        lease_seconds: float,
        max_running: int | None = None,
        *,
        token: str | None = None,
        repeated: bool = False,
    ) -> list[Claim]:
        lease_end(now, lease_seconds)
        mine = secrets.token_hex(8) if token is None else token
        cap = "" if max_running is None else str(max_running)
        lease = (checked_worker(worker), mine, repr(float(lease_seconds)))
        expires, *records = self._move(
            "claim", str(num), self._moment(now), *lease, cap, "1" if repeated else ""
        )
        return [
            Claim(request=request, token=mine, lease_expires_seconds=float(expires))
            for request in _requests(records)
        ]

    def peek(self, num: int, now: float) -> list[Request]:
        return _requests(self._move("peek", str(num), self._moment(now)))

    def waiting(self, now: float) -> list[Request]:
        return self.peek(_ALL, now)

    def running(self) -> list[Lease]:
        answer = [_text(item) for item in self._move("running")]
        return [
            Lease(
                request=request,
                worker=holder.partition(" ")[2],
                token=holder.partition(" ")[0],
                expires_seconds=float(expires),
            )
            for record, holder, expires in zip(answer[::3], answer[1::3], answer[2::3], strict=True)
            if (request := _request(record)) is not None
        ]

    def lease_tokens(self) -> dict[str, str]:
        holders = cast(dict[Any, Any], self._client.hgetall(self._key["holders"]))
        return {_text(key): _text(holder).split(" ", 1)[0] for key, holder in holders.items()}

    def get(self, request_id: str) -> Request | None:
        record = self._stored(request_id)
        return None if record is None else _request(record)

    def position(self, request_id: str, now: float) -> int | None:
        answer = self._move("position", request_id, self._moment(now))
        return None if answer is None else int(answer)

    def counts(self) -> QueueCounts:
        raw = cast(dict[Any, Any], self._client.hgetall(self._key["counts"]))
        numbers = {_text(field): int(value) for field, value in raw.items()}
        return QueueCounts(
            waiting=tuple(numbers.get(f"waiting:{p}", 0) for p in PRIORITIES),
            running=tuple(numbers.get(f"running:{p}", 0) for p in PRIORITIES),
        )

    def renew(
        self, worker: str, tokens: Mapping[str, str], now: float, lease_seconds: float
    ) -> set[str]:
        lease_end(now, lease_seconds)
        pairs = (text for pair in tokens.items() for text in pair)
        lease = (checked_worker(worker), self._moment(now), repr(float(lease_seconds)))
        lost = self._move("renew", *lease, *pairs)
        return {_text(request_id) for request_id in lost}

    def release(self, request_id: str, token: str, generated_tokens: int, now: float) -> bool:
        checked_time("now", now)
        while (old := self._stored(request_id)) is not None:
            if (request := _request(old)) is None:
                return False
            new = self._record(request.with_progress(generated_tokens))
            answer = self._move("release", request_id, token, old, new)
            if answer in (_STALE, _DONE):
                return bool(answer)
        return False

    def finish(self, request_id: str, token: str) -> bool:
        return bool(self._move("finish", request_id, token))

    def cancel(self, request_id: str) -> str | None:
        was = self._move("cancel", request_id)
        return None if was is None else _text(was)

    def reprioritise(
        self, request_id: str, priority: int, due_seconds: float, *, first_in_level: bool = False
    ) -> bool:
        def moved(old: Request) -> Request:
            return old.with_priority(priority, due_seconds, first_in_level=first_in_level)

        return self._replace(request_id, moved)

    def revise(self, request: Request) -> bool:
        return self._replace(request.id, lambda old: request)

    def _replace(self, request_id: str, change: Callable[[Request], Request]) -> bool:
        while (old := self._stored(request_id)) is not None:
            if (request := _request(old)) is None:
                return False
            new = self._record(change(request))
            answer = self._move("reprioritise", request_id, old, new)
            if answer in (_STALE, _DONE):
                return bool(answer)
        return False

    def reap(self, now: float) -> list[Reaped]:
        answer = [_text(each) for each in self._move("reap", self._moment(now))]
        return [Reaped(*pair) for pair in zip(answer[::2], answer[1::2], strict=True)]

    def audit(self) -> str:
        try:
            return _text(self._move("audit"))
        except redis.ResponseError:
            return "a key cannot be read"

    def mend(self, now: float, lease_seconds: float) -> int:
        lease_end(now, lease_seconds)
        num_wrong = self._delete_keys_of_a_wrong_type()
        return num_wrong + int(self._move("mend", self._moment(now), repr(float(lease_seconds))))

    def _delete_keys_of_a_wrong_type(self) -> int:
        with self._client.pipeline(transaction=False) as pipe:
            for key in self._keys:
                pipe.type(key)
            types = [_text(each) for each in pipe.execute()]
        wrong = [
            key
            for (name, key), type_ in zip(self._key.items(), types, strict=True)
            if type_ not in ("none", "hash" if name in _HASHES else "zset")
        ]
        return int(self._client.delete(*wrong)) if wrong else 0

    def switch_policy(self, policy_name: str) -> None:
        self._switch(policy_name, "", "")

    def active_policy(self) -> str:
        active = self._client.hget(self._key["state"], "policy")
        return self._default.name if active is None else _text(active)

    def mark(self) -> str:
        epoch, revision = cast(list[Any], self._client.hmget(self._key["state"], "epoch", "rev"))
        return "none:0" if epoch is None else f"{_text(epoch)}:{_text(revision)}"

    def replace_all(
        self, requests: Sequence[Request], policy_name: str, *, mark: str | None = None
    ) -> Replaced:
        epoch, _, revision = (mark or "").partition(":")
        self._switch(policy_name, epoch, revision)
        pairs = (text for each in requests for text in (each.id, self._record(each)))
        return Replaced(*map(int, self._move("replace_all", epoch, revision, *pairs)))

    def clear(self) -> None:
        self._client.delete(*(key for name, key in self._key.items() if name != "state"))

    def _switch(self, policy_name: str, epoch: str, revision: str) -> None:
        policy_args = _policy_args(self._policy(policy_name))
        rescored: dict[str, tuple[str, str, str]] = {}
        while True:
            triples = (text for triple in rescored.values() for text in triple)
            unscored = self._move("switch_policy", *policy_args, epoch, revision, *triples)
            if not unscored:
                return
            for old in map(_text, unscored):
                request = request_of(old)
                rescored[request.id] = (request.id, old, self._record(request))

    def _moment(self, now: float) -> str:
        """`now`, or empty where the server is to take its own time."""
        checked_time("now", now)
        return "" if self._takes_server_time else repr(float(now))

    def _policy(self, name: str) -> Policy:
        if name not in self._policies:
            raise UnknownPolicy(f"{name!r} is not one of {', '.join(self._policies)}")
        return self._policies[name]

    def _record(self, request: Request) -> str:
        return record_of(request, self._policies)

    def _stored(self, request_id: str) -> str | None:
        record = self._client.hget(self._key["jobs"], request_id)
        return None if record is None else _text(record)

    def _move(self, move: str, *args: str) -> Any:
        common = (*_policy_args(self._default), secrets.token_hex(8))
        try:
            return self._scripts[move](keys=self._keys, args=[*common, *args])
        except redis.ResponseError as error:
            _, unknown, policy_name = str(error).partition("UNKNOWNPOLICY ")
            if not unknown:
                raise
            message = f"{policy_name!r} is active, but this process does not have it"
            raise UnknownPolicy(message) from error


def _policy_args(policy: Policy) -> tuple[str, str, str]:
    """The arguments name, bounded, cap of the scripts."""
    cap = "" if policy.max_running is None else str(policy.max_running)
    return policy.name, "1" if policy.bounded_wait else "0", cap


def _requests(records: Iterable[object]) -> list[Request]:
    read = (_request(_text(record)) for record in records)
    return [request for request in read if request is not None]


def _request(record: str) -> Request | None:
    """None for a record that cannot be read; the scripts refuse nearly all of them already."""
    try:
        return request_of(record)
    except ValueError:
        return None
