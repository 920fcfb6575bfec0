"""The load of a chaos run: calls of a fixture over the HTTP API, sent until they are accepted."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import httpx

from triage_site.cases.calls import Call
from triage_site.triage.facts import CaseFacts

GONE: Final = "gone"  # the site does not know the case any more
ENDED: Final = frozenset({"done", "failed", "cancelled", GONE})
RETRY_SECONDS: Final = 0.3
GIVE_UP_SECONDS: Final = 120.0
PROBE: Final = CaseFacts(text="collapsed, not breathing, no pulse", age_years=60)


class GaveUp(RuntimeError):
    """The site did not answer for GIVE_UP_SECONDS."""


@dataclass(slots=True)
class Api:
    """The API of the site as a dispatcher uses it: what fails is sent again under its key."""

    client: httpx.Client
    accepted: dict[str, set[str]] = field(default_factory=dict)  # by key: every id that was told
    slowest_answer: float = 0.0

    def submit(self, key: str, facts: CaseFacts) -> str:
        body = {**facts.to_dict(), "confirmed": True}
        answer = self._persist("POST", "cases", body, {"Idempotency-Key": key})
        case_id = str(answer["id"])
        self.accepted.setdefault(key, set()).add(case_id)
        return case_id

    def status(self, case_id: str) -> str:
        return str(self._persist("GET", f"cases/{case_id}").get("status", GONE))

    def _persist(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        deadline = time.monotonic() + GIVE_UP_SECONDS
        reason = ""
        while time.monotonic() < deadline:
            began = time.monotonic()
            try:
                response = self.client.request(method, path, json=body, headers=headers)
            except httpx.HTTPError as error:
                reason = type(error).__name__
            else:
                self.slowest_answer = max(self.slowest_answer, time.monotonic() - began)
                if response.is_success:
                    answer: dict[str, Any] = response.json()
                    return answer
                if method == "GET" and response.status_code == HTTPStatus.NOT_FOUND:
                    return {}
                reason = f"HTTP {response.status_code}"
            time.sleep(RETRY_SECONDS)
        raise GaveUp(f"{method} {path}: {reason}")


class Load(threading.Thread):
    """Sends one call each `gap_seconds`, the calls of the fixture again and again."""

    def __init__(self, api: Api, calls: Sequence[Call], gap_seconds: float) -> None:
        super().__init__(name="load", daemon=True)
        self._api, self._calls, self._gap = api, calls, gap_seconds
        self._enough = threading.Event()
        self.error = ""

    def run(self) -> None:
        for number, call in enumerate(itertools.cycle(self._calls)):
            if self._enough.wait(self._gap):
                return
            try:
                self._api.submit(f"load-{number}", call.facts)
            except GaveUp as error:
                self.error = str(error)
                return

    def finish(self) -> None:
        self._enough.set()
        self.join(GIVE_UP_SECONDS + 5)


def seconds_to_serve(api: Api, key: str, since: float, limit_seconds: float) -> float:
    """Seconds from `since` until a level-0 case that comes now has its guidance, or the limit."""
    case_id = api.submit(key, PROBE)
    while (status := api.status(case_id)) not in ENDED:
        if time.monotonic() - since > limit_seconds:
            return limit_seconds
        time.sleep(0.2)
    return limit_seconds if status == GONE else time.monotonic() - since


def wait_for_ends(api: Api, quiet_seconds: float) -> set[str]:
    """Waits until all cases have ended. Returns those that are open after no end came so long."""
    open_cases = {case_id for told in api.accepted.values() for case_id in told}
    changed_at = time.monotonic()
    while open_cases and time.monotonic() - changed_at < quiet_seconds:
        ended = {case_id for case_id in open_cases if api.status(case_id) in ENDED}
        if ended:
            open_cases -= ended
            changed_at = time.monotonic()
        time.sleep(0.5)
    return open_cases
