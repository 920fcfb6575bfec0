"""Fit the length predictor on what the embedded model really writes.

    python -m llm_worker.training.fit_length --cases 500

Prints rank correlation and errors on cases that were held out of the fit.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from llm_worker.classifier.length import WEIGHTS_PATH, LengthWeights, features
from llm_worker.training.evaluate_guidance import generated_cases, write_answers
from llm_worker.training.train_guidance import CHECK_SEED, MODEL_FOLDER, load

RIDGE = 1.0


def fit_weights(briefs: Sequence[str], num_tokens: Sequence[int], version: str) -> LengthWeights:
    """Ridge regression; the shifts are quantiles of its residuals. Raises ValueError if empty."""
    if not briefs or len(briefs) != len(num_tokens):
        raise ValueError("briefs and num_tokens: must be of the same length, and not empty")
    rows = [features(brief) for brief in briefs]
    names = sorted(rows[0])
    table = np.array([[row[name] for name in names] for row in rows])
    wanted = np.array(num_tokens, dtype=float)
    square = table.T @ table + RIDGE * np.eye(len(names))
    weights = np.linalg.solve(square, table.T @ wanted)
    p50, p90 = np.quantile(wanted - table @ weights, (0.5, 0.9))
    return LengthWeights(
        weights={name: round(float(w), 3) for name, w in zip(names, weights, strict=True)},
        p50_shift_tokens=round(float(p50), 2),
        p90_shift_tokens=round(float(p90), 2),
        version=version,
    )


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """Spearman's, ties at their mean rank."""
    return float(np.corrcoef(_ranks(one), _ranks(other))[0, 1])


def _ranks(values: Sequence[float]) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    _, inverse, counts = np.unique(array, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]


def save(weights: LengthWeights, path: Path) -> None:
    path.write_text(json.dumps(asdict(weights), indent=1) + "\n", encoding="utf-8")


def report(weights: LengthWeights, briefs: Sequence[str], num_tokens: Sequence[int]) -> str:
    """Rank correlation, mean error by bucket, and how often the p90 holds."""
    fitted = np.array([weights.tokens(brief) for brief in briefs])
    p50 = fitted + weights.p50_shift_tokens
    actual = np.array(num_tokens, dtype=float)
    correlation = rank_correlation(list(p50), num_tokens)
    holds = np.mean(actual <= fitted + weights.p90_shift_tokens)
    error = np.abs(p50 - actual).mean()
    lines = [f"{len(briefs)} cases: rank correlation {correlation:.3f}"]
    lines.append(f"  mean error {error:.1f} tokens, p90 holds {holds:.1%}")
    for low, high in ((0, 110), (110, 150), (150, 190), (190, 400)):
        inside = (actual >= low) & (actual < high)
        if inside.any():
            error = np.abs(p50 - actual)[inside].mean()
            lines.append(f"  {low}-{high} tokens: {inside.sum()} cases, mean error {error:.1f}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--model", type=Path, default=MODEL_FOLDER)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    tokenizer, model = load(options.model)
    briefs = [asked.brief for asked in generated_cases(options.cases, seed=CHECK_SEED + 2)]
    lengths = [answer.num_tokens for answer in write_answers(model, tokenizer, briefs)]
    cut = len(briefs) * 4 // 5
    trial = fit_weights(briefs[:cut], lengths[:cut], version="trial")
    print("held out:", report(trial, briefs[cut:], lengths[cut:]))
    weights = fit_weights(briefs, lengths, version=f"embedded-{options.cases}")
    save(weights, WEIGHTS_PATH)
    print("saved:", report(weights, briefs, lengths))


if __name__ == "__main__":
    main()
