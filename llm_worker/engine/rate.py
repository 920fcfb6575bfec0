"""Token rate over a short time window."""

from __future__ import annotations

import threading
from collections import deque
from typing import Final

WINDOW_SECONDS: Final = 5.0


class Rate:
    """Counts all tokens and the tokens in the last WINDOW_SECONDS. Safe for all threads."""

    def __init__(self) -> None:
        self.total = 0
        self._lock = threading.Lock()
        self._recent: deque[tuple[float, int]] = deque()

    def add(self, num_tokens: int, now: float) -> None:
        with self._lock:
            self.total += num_tokens
            self._recent.append((now, num_tokens))
            self._expire(now)

    def per_second(self, now: float) -> float:
        with self._lock:
            self._expire(now)
            if not self._recent:
                return 0.0
            span = max(now - self._recent[0][0], 1.0)  # a shorter span gives an unreliable rate
            return sum(num_tokens for _, num_tokens in self._recent) / span

    def _expire(self, now: float) -> None:
        while self._recent and self._recent[0][0] < now - WINDOW_SECONDS:
            self._recent.popleft()
