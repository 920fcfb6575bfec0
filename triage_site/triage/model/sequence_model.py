"""A sequence classifier of transformers as triage model: the rules stay ours, the words are its.

It reads the brief of the case, without priority and danger signs, and has five labels: named by
levels 1 to 5, or else numbered 0 to 4 as priorities. `set_threshold` in its config.json is the
least probability of a level to be named beside the best one; only whoever calibrated it knows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from safetensors import SafetensorError
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

from triage_site.triage.brief import build_brief
from triage_site.triage.classify import look, suggest
from triage_site.triage.decision import DEFAULT_COSTS, Costs, Floats
from triage_site.triage.facts import CaseFacts
from triage_site.triage.types import NUM_PRIORITIES, Classification

DEFAULT_SET_THRESHOLD: Final = 0.1
_MAX_TOKENS: Final = 512
_BATCH: Final = 32


@dataclass(frozen=True, slots=True)
class SequenceModel:
    tokenizer: Any
    network: Any
    columns: tuple[int, ...]  # of priorities 0 to 4 among the labels
    set_threshold: float
    max_tokens: int

    def probabilities(self, texts: list[str]) -> Floats:
        """[texts, 5], by priority."""
        batch = self.tokenizer(
            texts, truncation=True, max_length=self.max_tokens, padding=True, return_tensors="pt"
        )
        with torch.inference_mode():
            logits = self.network(**batch).logits.double()
        chances: Floats = torch.softmax(logits, dim=-1).numpy()[:, list(self.columns)]
        return chances


def load(folder: Path) -> SequenceModel:
    """Reads this folder and nothing else. Raises OSError or ValueError."""
    disable_progress_bar()
    where = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, **where)
        network = AutoModelForSequenceClassification.from_pretrained(
            folder, **where, use_safetensors=True, dtype=torch.float32
        )
    except SafetensorError as error:
        raise ValueError(f"broken weights: {error}") from None
    config = network.config
    longest = getattr(config, "max_position_embeddings", None) or _MAX_TOKENS
    return SequenceModel(
        tokenizer=tokenizer,
        network=network.eval(),
        columns=columns_of(config.id2label),
        set_threshold=float(getattr(config, "set_threshold", DEFAULT_SET_THRESHOLD)),
        max_tokens=min(longest, _MAX_TOKENS, tokenizer.model_max_length),
    )


def columns_of(labels: Mapping[int, str]) -> tuple[int, ...]:
    """Which label is which priority, 0 to 4. Raises ValueError where that cannot be told."""
    numbers = {index: re.findall(r"\d+", label) for index, label in labels.items()}
    found = {int(one[0]): index for index, one in numbers.items() if len(one) == 1}
    for first in (1, 0):
        wanted = range(first, first + NUM_PRIORITIES)
        if len(labels) == NUM_PRIORITIES and set(found) == set(wanted):
            return tuple(found[number] for number in wanted)
    names = ", ".join(labels.values())
    raise ValueError(f"labels must be levels 1 to 5 or priorities 0 to 4, each once, not: {names}")


def classify_many(
    cases: Sequence[CaseFacts], *, model: SequenceModel, costs: Costs = DEFAULT_COSTS
) -> list[Classification]:
    """`model_version` is left empty. There are no reasons but those of the rules."""
    if not cases:
        return []
    seen = [look(facts) for facts in cases]
    texts = [text_of(case.facts) for case in seen]
    chances = np.concatenate(
        [model.probabilities(texts[at : at + _BATCH]) for at in range(0, len(texts), _BATCH)]
    )
    if not np.isfinite(chances).all():
        raise ValueError("the model gave no probabilities")
    return suggest(seen, chances, version="", set_threshold=model.set_threshold, costs=costs)


def text_of(facts: CaseFacts) -> str:
    """The lines of the brief that stand there before anybody has judged the case."""
    return "\n".join(build_brief(facts, priority=0, danger_signs=()).splitlines()[1:-1])
