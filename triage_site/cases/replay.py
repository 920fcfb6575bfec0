"""Replays a list of calls through the HTTP API, as a dispatch centre would send them."""

from __future__ import annotations

import heapq
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import httpx

from scheduling.core.request import PRIORITIES
from triage_site.cases.calls import Call
from triage_site.cases.models import ENDED

POLL_SECONDS: Final = 0.5
RETRY_SECONDS: Final = 0.5
GIVE_UP_SECONDS: Final = 900.0  # without progress


class ReplayError(RuntimeError):
    """The site does not answer or refuses a request. The message describes the remedy."""


@dataclass(slots=True)
class Outcome:
    """The result of one call. Seconds are real seconds since it was sent."""

    case_id: str
    priority: int | None = None
    status: str = "received"
    wait_seconds: float | None = None  # until its guidance began
    response_seconds: float | None = None  # until its guidance was ready


@dataclass(slots=True)
class Replay:
    """One run. `client` sends an API token; `progress` is called with (num_sent, num_ended)."""

    client: httpx.Client
    calls: Sequence[Call]
    speed: float
    progress: Callable[[int, int], None] = lambda sent, ended: None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    outcomes: list[Outcome] = field(default_factory=list)

    def run(self) -> list[Outcome]:
        """Sends every call and escalation at its time, then waits until all cases have ended."""
        started = self.clock()
        run_id = uuid.uuid4().hex[:12]
        todo = list(self._schedule())
        heapq.heapify(todo)
        cases: dict[int, Outcome] = {}
        open_cases: dict[str, Outcome] = {}
        changed_at = next_poll = started
        while todo or open_cases:
            now = self.clock()
            while todo and todo[0][0] <= now - started:
                _, number, escalates = heapq.heappop(todo)
                call = self.calls[number]
                if escalates:
                    self._escalate(call, cases[number])
                else:
                    cases[number] = self._send(call, f"{run_id}-{number}")
                    open_cases[cases[number].case_id] = cases[number]
                changed_at = now
            if now >= next_poll:
                next_poll = now + POLL_SECONDS
                if self._poll(open_cases):
                    changed_at = now
                self.progress(len(self.outcomes), len(self.outcomes) - len(open_cases))
            if not todo and now - changed_at > GIVE_UP_SECONDS:
                break
            self.sleep(0.02)
        self.progress(len(self.outcomes), len(self.outcomes) - len(open_cases))
        return self.outcomes

    def _schedule(self) -> Iterator[tuple[float, int, bool]]:
        for number, call in enumerate(self.calls):
            at = call.offset_seconds / self.speed
            yield at, number, False
            if call.escalation is not None:
                yield at + call.escalation.after_seconds / self.speed, number, True

    def _send(self, call: Call, key: str) -> Outcome:
        body = {**call.facts.to_dict(), "confirmed": True}
        answer = self.request("POST", "cases", body, {"Idempotency-Key": key})
        outcome = Outcome(case_id=answer["id"])
        self.outcomes.append(outcome)
        return outcome

    def _escalate(self, call: Call, outcome: Outcome) -> None:
        assert call.escalation is not None
        if outcome.status in ENDED:
            return
        body = {
            "priority": call.escalation.priority,
            "reason": "worse",
            "note": call.escalation.why,
        }
        self.request("POST", f"cases/{outcome.case_id}/override", body, allow=(409, 422))

    def _poll(self, open_cases: dict[str, Outcome]) -> bool:
        """Reads the cases that are no longer in the queue. Returns whether one has ended."""
        if not open_cases:
            return False
        queue = self.request("GET", "queue")
        present = {item["id"] for item in queue["waiting"]} | set(queue["running"])
        before = len(open_cases)
        for case_id in [case_id for case_id in open_cases if case_id not in present]:
            _read(open_cases[case_id], self.request("GET", f"cases/{case_id}"))
            if open_cases[case_id].status in ENDED:
                del open_cases[case_id]
        return len(open_cases) < before

    def request(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        allow: tuple[int, ...] = (),
    ) -> dict[str, Any]:
        for attempt in range(5):
            try:
                response = self.client.request(method, path, json=body, headers=headers)
                break
            except httpx.TransportError as error:
                # A resend is safe: a submission carries a key, other requests are idempotent.
                if attempt == 4:
                    raise ReplayError(
                        f"{self.client.base_url}: no connection ({type(error).__name__}). "
                        "Check that `make run` is running and that --url is correct."
                    ) from None
                self.sleep(RETRY_SECONDS)
        if response.is_error and response.status_code not in allow:
            raise ReplayError(f"{method} {path}: {response.status_code} {response.text[:300]}")
        answer: dict[str, Any] = response.json()
        return answer


def _read(outcome: Outcome, case: dict[str, Any]) -> None:
    outcome.status = case["status"]
    outcome.priority = case["priority"]
    at: dict[str, datetime] = {}
    for stamp in case["timestamps"]:
        at.setdefault(stamp["status"], datetime.fromisoformat(stamp["at"]))
    received = at["received"]
    if "running" in at:
        outcome.wait_seconds = (at["running"] - received).total_seconds()
    if "done" in at:
        outcome.response_seconds = (at["done"] - received).total_seconds()


def summarise(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Returns counts and waiting times in seconds, per final priority and overall."""
    by_priority = {
        str(priority): _figures([o for o in outcomes if o.priority == priority])
        for priority in PRIORITIES
    }
    statuses = [outcome.status for outcome in outcomes]
    return {
        "submitted": len(outcomes),
        "done": statuses.count("done"),
        "failed": statuses.count("failed"),
        "by_priority": by_priority,
        "overall": _figures(outcomes),
    }


def _figures(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    waits = sorted(o.wait_seconds for o in outcomes if o.wait_seconds is not None)
    responses = [o.response_seconds for o in outcomes if o.response_seconds is not None]
    return {
        "count": len(outcomes),
        "done": sum(o.status == "done" for o in outcomes),
        "failed": sum(o.status == "failed" for o in outcomes),
        "wait_mean": _mean(waits),
        "wait_p50": _quantile(waits, 0.5),
        "wait_p90": _quantile(waits, 0.9),
        "wait_max": waits[-1] if waits else None,
        "response_mean": _mean(responses),
    }


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 3) if values else None


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    """Returns the nearest-rank quantile of sorted values; None without values."""
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
