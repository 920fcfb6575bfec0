"""What the worker loop and an engine say to each other: jobs in, events out.

One thread owns an engine: it alone calls `events`, `add`, `release`, `cancel`, `update`
and `set_policy`. `stats` and `alive` may be called from anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, Protocol

from scheduling.core.policies import Policy, Preemption
from scheduling.core.request import Request

UNKNOWN_TOKEN: Final = -1  # a remote server gave text but not the token's id


class EngineNotRunning(RuntimeError):
    """The engine was not started, was stopped, or its loop has died."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineJob:
    """One answer to write. `max_new_tokens` counts the whole answer, prefix included.

    A resumed job carries what was already written, as `Released` gave it: its ids, and its
    text for engines that know only text.
    """

    request: Request
    prompt: str
    max_new_tokens: int
    prefix_token_ids: tuple[int, ...] = ()
    prefix_text: str = ""

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1:
            raise ValueError("max_new_tokens: must be at least 1")
        if self.prefix_text and not self.prefix_token_ids:
            raise ValueError("prefix_token_ids: must not be empty where prefix_text is given")

    @property
    def id(self) -> str:
        return self.request.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The request has its first slot."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensOut:
    """New tokens. The texts of all of them, after `prefix_text`, join to the answer so far.

    `text_delta` may be empty while a character is incomplete. `num_generated` counts the
    whole answer, prefix and these tokens included.
    """

    id: str
    text_delta: str
    token_ids: tuple[int, ...]
    num_generated: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The whole answer, prefix included, without the end mark. Nothing follows for this id."""

    id: str
    text: str
    token_ids: tuple[int, ...]
    reason: Literal["eos", "length"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """This request alone failed. Nothing follows for this id; the others go on."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineDied:
    """The loop is dead and has forgotten every request. Said once; `start` begins anew."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """A request taken out unfinished, with exactly the tokens that `events` handed out."""

    id: str
    token_ids: tuple[int, ...]
    text: str


Event = Started | TokensOut | Finished | Failed | EngineDied

STATS: Final = (
    "slots_total",
    "slots_used",
    "requests",  # on slots and waiting for one inside the engine
    "kv_blocks_total",  # 0 where the engine does not know
    "kv_blocks_used",
    "tokens_per_second",  # over the last seconds
    "tokens",  # since the start, of this loop
    "steps",
)


class Engine(Protocol):
    """Writes answers, `num_slots` at a time, in the order of a policy."""

    @property
    def num_slots(self) -> int: ...

    def start(self) -> None:
        """Begins, or begins anew after a stop or a death, with no request and no old event."""

    def stop(self) -> None:
        """Ends within seconds and forgets every request. May be called twice."""

    def alive(self) -> bool: ...

    def ready(self) -> str:
        """Empty where the engine can write answers now. Else one sentence for people that names
        what is wrong, with which value, and the remedy. May take seconds, not more than five."""

    def holds(self, request_id: str) -> bool:
        """Whether it has this request, or events of it that were not read yet."""

    def add(self, job: EngineJob) -> None:
        """Takes a job; cheap, the work happens elsewhere.

        Raises NeverFits (of scheduling.core.scheduler) when prompt and answer cannot fit
        into the engine, ValueError when the id is here already, EngineNotRunning.
        """

    def release(self, request_id: str) -> Released | None:
        """Takes a request out and keeps its progress; no event of it comes out afterwards.

        None when it is not here, or when it has ended and only its last events are still
        to be read.
        """

    def cancel(self, request_id: str) -> None:
        """Forgets a request and its unread events; no event says so. Unknown ids are fine."""

    def update(self, request: Request) -> None:
        """Replaces a request by its newer self, re-prioritised say. Unknown ids are fine."""

    def set_policy(self, policy: Policy, preemption: Preemption) -> None:
        """Orders everything anew, from the next step on."""

    def events(self, timeout_seconds: float) -> list[Event]:
        """All unread events, oldest first; waits up to `timeout_seconds` for the first."""

    def count_prompt_tokens(self, prompt: str) -> int:
        """Tokens the prompt takes once the model's template is around it."""

    def stats(self) -> dict[str, float]:
        """The numbers named in `STATS`."""
