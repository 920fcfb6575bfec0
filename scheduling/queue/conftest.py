"""A fixture with each implementation of the queue, for the contract tests."""

from __future__ import annotations

import pytest

from scheduling.queue.memory_queue import MemorySemanticQueue
from scheduling.queue.protocol import SemanticQueue
from scheduling.queue.semantic_queue import RedisSemanticQueue


@pytest.fixture(params=["memory", "redis"])
def queue(request: pytest.FixtureRequest) -> SemanticQueue:
    if request.param == "memory":
        return MemorySemanticQueue()
    return RedisSemanticQueue(request.getfixturevalue("redis_client"), time="caller")
