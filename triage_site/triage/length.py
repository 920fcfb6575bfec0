"""How many tokens the guidance for a brief will have: a linear fit on what stands in it.

Fitted by `llm_worker.training.fit_length` on what the model really wrote; the weights lie
beside this file. A prediction never blocks a case: where anything fails, the default is given.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

from scheduling.core.guidance import WORDS_LABEL
from triage_site.triage.brief import NONE_FOUND, PRIORITY_NAMES

WEIGHTS_PATH: Final = Path(__file__).with_name("length_weights.json")
DEFAULT_TOKENS: Final = 170
DEFAULT_P90_TOKENS: Final = 240
LIMITS_TOKENS: Final = (20, 320)

_preferred_path: Path | None = None

QUOTED_WORDS: Final = 12  # that the guidance repeats of the caller's

_BASIC_SET: Final = (
    "Respiratory rate",
    "Oxygen saturation",
    ("Blood pressure", "Systolic blood pressure"),
    "Heart rate",
    "Temperature",
)
_READING: Final = re.compile(
    r"^(?:Respiratory rate|Oxygen saturation|(?:Systolic |Diastolic )?[Bb]lood pressure"
    r"|Heart rate|Temperature|Pain): (.*)$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthWeights:
    """Tokens = sum of weight x feature; shifts lead from the fit to its median and p90."""

    weights: Mapping[str, float]
    p50_shift_tokens: float
    p90_shift_tokens: float
    version: str

    def tokens(self, brief: str) -> float:
        found = features(brief)
        return sum(weight * found.get(name, 0.0) for name, weight in self.weights.items())

    def quantiles(self, brief: str) -> tuple[int, int]:
        """Output tokens at the median and at the 90th percentile, within the limits."""
        fitted = self.tokens(brief)
        p50 = _within(fitted + self.p50_shift_tokens)
        return p50, max(p50, _within(fitted + self.p90_shift_tokens))


def predict_tokens(brief: str) -> int:
    """Output tokens to expect for `brief`, at the median. Never raises."""
    return predict_quantiles(brief)[0]


def predict_quantiles(brief: str) -> tuple[int, int]:
    """Output tokens at the median and at the 90th percentile. Never raises."""
    try:
        return current_weights().quantiles(brief)
    except Exception:  # a case is never held up by a guess about its length
        return DEFAULT_TOKENS, DEFAULT_P90_TOKENS


def prefer_weights(path: Path | None) -> None:
    """From now on the weights at `path` count, as soon and as long as they can be read."""
    global _preferred_path
    _preferred_path = path


def current_weights() -> LengthWeights:
    """Those refitted at this site where there are any, else the shipped ones."""
    if _preferred_path is not None:
        with suppress(OSError, ValueError, TypeError):
            return _load_changed(_preferred_path, _preferred_path.stat().st_mtime_ns)
    return load_weights()


@lru_cache(maxsize=1)
def _load_changed(path: Path, _mtime_ns: int) -> LengthWeights:
    weights = load_weights.__wrapped__(path)
    if set(weights.weights) != set(features("")):
        raise ValueError(f"{path}: was fitted to other features")
    return weights


@cache
def load_weights(path: Path = WEIGHTS_PATH) -> LengthWeights:
    """Raises OSError, ValueError or TypeError where the file is missing or not as written."""
    raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return LengthWeights(**raw)


def features(brief: str) -> dict[str, float]:
    """Counts that the length of the guidance grows with; all are at least zero."""
    lines = dict(line.partition(": ")[::2] for line in brief.splitlines())
    readings = _READING.findall(brief)
    marks = sum(reading.endswith(")") for reading in readings)
    words = lines.get(WORDS_LABEL, "")
    signs = lines.get("Danger signs", NONE_FOUND)
    signs = "" if signs == NONE_FOUND else signs
    priority = lines.get("Priority", "")
    urgent = float(priority in PRIORITY_NAMES[:2])
    out = {f"priority {name}": float(name == priority) for name in PRIORITY_NAMES}
    out |= {
        "one": 1.0,
        "quoted characters": len(" ".join(words.split()[:QUOTED_WORDS])) / 10,
        "words": min(len(words.split()), 60) / 10,
        "readings": float(len(readings)),
        "marks": float(marks),
        "urgent marks": marks * urgent,
        "far marks": float(brief.count("(very ")) * float(not signs),
        "signs": float(len(signs.split("; "))) if signs else 0.0,
        "signs characters": len(signs) / 10,
        "unmeasurable": float(len(lines.get("Could not be measured", "").split(", ")))
        if "Could not be measured" in lines
        else 0.0,
        "not taken": _num_not_taken(lines) if readings else 0.0,
        "no reading": float(not readings),
        "mind": float("Consciousness" in lines),
        "mind changed": float(lines.get("Consciousness", "alert") != "alert"),
        "injury line": float("Injury" in lines),
        "arrival line": float("Arrival" in lines),
        "history": float(bool(re.search(r"history|hx|h/o|known|PMH", words, re.IGNORECASE))),
    }
    return out


def _num_not_taken(lines: Mapping[str, str]) -> float:
    missing = 0
    for entry in _BASIC_SET:
        labels = entry if isinstance(entry, tuple) else (entry,)
        missing += not any(label in lines for label in labels)
    return float(missing)


def _within(tokens: float) -> int:
    return round(min(max(tokens, LIMITS_TOKENS[0]), LIMITS_TOKENS[1]))
