"""Whether the engine can work: what its probe says, and how its answers have ended.

An engine may say that it is ready and fail every answer. After `NUM_FAILURES_TO_DOUBT` failures
without one finished answer it is in doubt: it gets one job after each pause, another one each
time, until it finishes one. No job is blamed for what fails meanwhile.

When the engine stops, all jobs in it are suspects, and only one that was alone is blamed. So jobs
run one at a time for a while after the engine has stopped twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import structlog

from llm_worker.worker.guarded_engine import GuardedEngine
from llm_worker.worker.options import Options
from scheduling.core.guidance import LOADING

log = structlog.get_logger(__name__)

MAX_ENGINE_FAILURES: Final = 5  # in a row, without one finished answer; then the process gives up
NUM_FAILURES_TO_DOUBT: Final = 3  # of answers; of the whole engine, one fewer
LOADING_SECONDS: Final = 0.2  # between two questions to an engine whose model is being loaded
MAX_PAUSE_SECONDS: Final = 60.0
SOLO_SECONDS: Final = 60.0  # since the engine stopped last
_MAX_REASON: Final = 120  # characters


class TooManyEngineFailures(RuntimeError):
    """The engine failed too often in a row; the process should end and be started again."""


class Health:
    """Of one engine. `now` is seconds on the worker's clock."""

    def __init__(self, engine: GuardedEngine, options: Options) -> None:
        self._engine, self._options = engine, options
        self._problem = ""  # why the engine cannot work, as a sentence for people
        self._doubt = ""  # the same where only its answers tell
        self._must_probe = True
        self._probed_at = float("-inf")
        self._num_failed = 0  # answers in a row
        self._num_engine_failures = 0  # in a row
        self._pause_until = self._restart_at = self._solo_until = 0.0
        self.avoided: set[str] = set()  # ids of jobs that failed; others are tried first

    @property
    def problem(self) -> str:
        """What people read; empty while the engine works."""
        return self._problem or self._doubt

    @property
    def is_in_doubt(self) -> bool:
        return bool(self._doubt)

    def is_solo(self, now: float) -> bool:
        """One job at a time then, to find a job that makes the engine fail."""
        return self.is_in_doubt or now < self._solo_until

    def start(self) -> None:
        """Starts the engine."""
        self._must_probe = True
        if not self._engine.start():
            self._problem = f"The engine does not start: {self._engine.ready()}"

    def can_work(self, now: float) -> bool:
        """Probes the engine before the first claim, after a failure, and while it cannot work."""
        if (self._must_probe or self._problem) and now >= self._probed_at + self._probe_seconds():
            self._must_probe, self._probed_at = False, now
            problem = self._engine.ready()
            if problem != self._problem and problem != LOADING:
                log.warning("engine_ready", problem=problem or "none")
            self._problem = problem
        return not self._problem and now >= self._pause_until

    def finished(self) -> None:
        """The engine has written an answer to its end."""
        self._num_failed = self._num_engine_failures = 0
        self._pause_until = 0.0
        self.avoided.clear()
        if self._doubt:
            self._doubt = ""
            log.info("engine_works_again")

    def answer_failed(self, job_id: str, reason: str, now: float) -> bool:
        """Returns whether the job may be to blame."""
        self._must_probe = True
        self._num_failed += 1
        self.avoided.add(job_id)
        is_blamed = self.can_work(now) and not self._doubt
        if self._num_failed >= NUM_FAILURES_TO_DOUBT and not self._problem:
            self._doubt_it(self._num_failed - NUM_FAILURES_TO_DOUBT, reason, now)
        return is_blamed

    def engine_failed(self, job_ids: Iterable[str], reason: str, now: float) -> None:
        """The whole engine stopped, with these jobs in it."""
        self._num_engine_failures += 1
        self.avoided.update(job_ids)
        if self._num_engine_failures > 1 or self.is_solo(now):
            self._solo_until = now + SOLO_SECONDS
        self._restart_at = now + min(30.0, 0.5 * 2.0**self._num_engine_failures)
        if not self._engine.is_broken:  # a server that is gone is no fault of the requests
            self._problem = self._engine.ready()
        num = self._num_engine_failures
        log.error("engine_failed", failures_in_a_row=num, reason=reason[:200])
        if num >= NUM_FAILURES_TO_DOUBT - 1 and not self._problem:
            self._doubt_it(0, reason, now)

    def may_restart(self, now: float) -> bool:
        """Raises TooManyEngineFailures."""
        if self._num_engine_failures >= MAX_ENGINE_FAILURES:
            raise TooManyEngineFailures(f"{self._num_engine_failures} in a row")
        return now >= self._restart_at

    def _doubt_it(self, num_pauses: int, reason: str, now: float) -> None:
        seconds = self._options.probe_seconds * 2.0 ** min(num_pauses, 10)
        self._pause_until = now + min(seconds, MAX_PAUSE_SECONDS)
        if not self._doubt:
            self._doubt = (
                "The engine is ready but fails each answer "
                f"({' '.join(reason.split())[:_MAX_REASON]}); look into the log of the GPU worker "
                f"and check TRIAGE_LLM or TRIAGE_REMOTE_MODEL, now {self._options.model_name!r}."
            )
            log.warning("engine_in_doubt", failures_in_a_row=self._num_failed)

    def _probe_seconds(self) -> float:
        if self._problem == LOADING:
            return LOADING_SECONDS
        return self._options.state_seconds if self._must_probe else self._options.probe_seconds
