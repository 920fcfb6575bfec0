"""The request: the value that core, queue, engine and simulator share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, isfinite
from typing import Final

NUM_PRIORITIES: Final = 5
PRIORITIES: Final = range(NUM_PRIORITIES)
LEVEL_NAMES: Final = ("Resuscitation", "Emergent", "Urgent", "Less urgent", "Non-urgent")


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualPlace:
    """The values that a request is sorted by after a person moved it, instead of its own.

    They are those of another request of the same level, so the place holds under each policy.
    `nudge` decides between requests with equal values: below 0 stands before that request,
    above 0 behind it. Raises ValueError with the name of the field if a value is not valid.
    """

    arrival_seconds: float
    tokens: int  # still expected
    due_seconds: float = inf
    nudge: float = 0.0
    first_in_level: bool = False

    def __post_init__(self) -> None:
        if not isfinite(self.arrival_seconds) or self.arrival_seconds < 0:
            raise ValueError("arrival_seconds: must be finite and not negative")
        if self.tokens < 0:
            raise ValueError("tokens: must not be negative")
        if self.due_seconds != self.due_seconds:
            raise ValueError("due_seconds: must be a number")
        if not isfinite(self.nudge):
            raise ValueError("nudge: must be finite")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One generation that waits or runs. The true output length is absent on purpose.

    Raises ValueError with the name of the field if a value is not valid.
    """

    id: str
    arrival_seconds: float
    priority: int  # 0 is most urgent
    prompt_tokens: int
    predicted_tokens: int  # output length from the length predictor
    generated_tokens: int = 0
    due_seconds: float = inf  # deadline: the time at which guidance should have started
    first_in_level: bool = False  # such as a case whose words were not understood
    manual: ManualPlace | None = None  # where a person put it, within its level

    def __post_init__(self) -> None:
        if not self.id:
            raise ValueError("id: must not be empty")
        if self.priority not in PRIORITIES:
            raise ValueError(f"priority: must be 0 to 4, not {self.priority!r}")
        if not isfinite(self.arrival_seconds) or self.arrival_seconds < 0:
            raise ValueError("arrival_seconds: must be finite and not negative")
        if self.due_seconds != self.due_seconds:
            raise ValueError("due_seconds: must be a number")
        if min(self.prompt_tokens, self.predicted_tokens, self.generated_tokens) < 0:
            names = ("prompt_tokens", "predicted_tokens", "generated_tokens")
            wrong = next(name for name in names if getattr(self, name) < 0)
            raise ValueError(f"{wrong}: must not be negative")

    @property
    def remaining_tokens(self) -> int:
        """Predicted tokens still to come; 0 if more were generated than predicted."""
        return max(0, self.predicted_tokens - self.generated_tokens)

    @property
    def context_tokens(self) -> int:
        """Tokens whose keys and values must be in memory before the next token."""
        return self.prompt_tokens + self.generated_tokens

    @property
    def as_sorted(self) -> Request:
        """Returns the request with the values that it is sorted by, for keys of policies."""
        place = self.manual
        if place is None:
            return self
        return replace(
            self,
            arrival_seconds=place.arrival_seconds,
            predicted_tokens=place.tokens,
            generated_tokens=0,
            due_seconds=place.due_seconds,
            first_in_level=place.first_in_level,
            manual=None,
        )

    @property
    def sorted_due_seconds(self) -> float:
        return self.due_seconds if self.manual is None else self.manual.due_seconds

    @property
    def nudge(self) -> float:
        return 0.0 if self.manual is None else self.manual.nudge

    def with_progress(self, generated_tokens: int) -> Request:
        return replace(self, generated_tokens=generated_tokens)

    def with_priority(
        self, priority: int, due_seconds: float | None = None, *, first_in_level: bool = False
    ) -> Request:
        """A manual place belongs to a level: it ends when the level changes."""
        due = self.due_seconds if due_seconds is None else due_seconds
        manual = self.manual if priority == self.priority else None
        return replace(
            self, priority=priority, due_seconds=due, manual=manual, first_in_level=first_in_level
        )

    def with_manual(self, manual: ManualPlace | None) -> Request:
        return replace(self, manual=manual)
