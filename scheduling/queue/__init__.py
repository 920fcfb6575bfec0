"""The semantic queue: the order of waiting requests, and the leases of running ones."""

from scheduling.queue.memory_queue import MemorySemanticQueue
from scheduling.queue.protocol import (
    Claim,
    Lease,
    QueueCounts,
    Replaced,
    SemanticQueue,
    UnknownPolicy,
)
from scheduling.queue.semantic_queue import RedisSemanticQueue

__all__ = [
    "Claim",
    "Lease",
    "MemorySemanticQueue",
    "QueueCounts",
    "RedisSemanticQueue",
    "Replaced",
    "SemanticQueue",
    "UnknownPolicy",
]
