"""How urgent is this case, and why: rules that only escalate, and a small model."""

from llm_worker.classifier.classify import classify, classify_many, screen
from llm_worker.classifier.decision import Costs
from llm_worker.classifier.explain import PHRASE
from llm_worker.classifier.types import Classification, News2, Reason

__all__ = [
    "PHRASE",
    "Classification",
    "Costs",
    "News2",
    "Reason",
    "classify",
    "classify_many",
    "screen",
]
