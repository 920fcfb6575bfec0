"""How urgent is this case, and why: signs that only escalate, and a small model."""

from triage_site.triage.classify import classify, classify_many, screen
from triage_site.triage.decision import Costs
from triage_site.triage.model.explain import PHRASE
from triage_site.triage.types import (
    NOT_UNDERSTOOD,
    PERSON_REASONS,
    Classification,
    News2,
    Reason,
)

__all__ = [
    "NOT_UNDERSTOOD",
    "PERSON_REASONS",
    "PHRASE",
    "Classification",
    "Costs",
    "News2",
    "Reason",
    "classify",
    "classify_many",
    "screen",
]
