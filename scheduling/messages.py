"""Sends Celery messages from one background thread, so that no request waits for the broker.

Every message here can be lost: unclassified cases are asked for again by the upkeep, and a
worker looks into the queue regularly. So while Redis does not answer, or too many wait, a message
is dropped.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from queue import Empty, Full, Queue
from threading import Lock, Thread
from typing import Any, Final

import structlog
from celery import current_app

from scheduling import connection

log = structlog.get_logger(__name__)

MAX_WAITING: Final = 5000
_IDLE_SECONDS: Final = 60.0  # then the thread ends; the next message starts another


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    task: str
    queue: str
    args: Sequence[str] = ()
    expires_seconds: float | None = None
    priority: int | None = None  # of Celery on Redis: 0 is first


@dataclass(slots=True)
class Sender:
    """The messages that wait to be sent, and the thread that sends them."""

    _waiting: Queue[Message] = field(default_factory=lambda: Queue(MAX_WAITING))
    _pid: int = 0
    _thread: Thread | None = None
    _lock: Lock = field(default_factory=Lock)
    _is_failing: bool = False

    def send(self, message: Message) -> bool:
        """Returns whether the message will be sent. Never blocks."""
        if connection.is_silent():
            return False
        with self._lock:
            if self._pid != os.getpid():  # a fork copies the messages, not the thread
                self._pid, self._waiting, self._thread = os.getpid(), Queue(MAX_WAITING), None
            try:
                self._waiting.put_nowait(message)
            except Full:
                return False
            if self._thread is None:
                self._thread = Thread(target=self._run, name="messages", daemon=True)
                self._thread.start()
        return True

    def _run(self) -> None:
        while True:
            try:
                message = self._waiting.get(timeout=_IDLE_SECONDS)
            except Empty:
                with self._lock:
                    if self._waiting.empty():
                        self._thread = None
                        return
                continue
            if not connection.is_silent():
                self._send_now(message)

    def _send_now(self, message: Message) -> None:
        options: dict[str, Any] = {}
        if message.priority is not None:
            options["priority"] = message.priority
        try:
            current_app.send_task(
                message.task,
                list(message.args),
                queue=message.queue,
                expires=message.expires_seconds,
                ignore_result=True,
                retry=False,
                **options,
            )
        except Exception as error:  # any error of the broker's client
            if not self._is_failing and not connection.trouble():
                log.warning("broker_unreachable", error=type(error).__name__)
            self._is_failing = True
            connection.guard().probe()  # opens the breaker when Redis is the reason
        else:
            self._is_failing = False


_sender: Final = Sender()


def send(message: Message) -> bool:
    """Sends a message soon. Returns whether it will be sent; False during an outage."""
    return _sender.send(message)
