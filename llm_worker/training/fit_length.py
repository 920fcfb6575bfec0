"""Fits the length predictor to the answers of the embedded model.

    python -m llm_worker.training.fit_length --cases 500

Prints rank correlation, error and coverage of the quantiles on cases that are not in the fit:
generated cases and the calls of the fixtures.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from llm_worker.training.evaluate_guidance import (
    CALLS,
    cases_of_file,
    generated_cases,
    write_answers,
)
from llm_worker.training.guidance_faults import EvaluationCase
from llm_worker.training.train_guidance import CHECK_SEED, MODEL_FOLDER, load
from triage_site.triage.length import WEIGHTS_PATH, LengthWeights
from triage_site.triage.length_fit import fit_weights, rank_correlation, save

BUCKETS_TOKENS = (0, 110, 150, 190, 400)


def report(weights: LengthWeights, briefs: Sequence[str], num_tokens: Sequence[int]) -> str:
    """Rank correlation, error in tokens by length of the guidance, and coverage of p50 and
    p90, in Markdown."""
    quantiles = np.array([weights.quantiles(brief) for brief in briefs], dtype=float)
    p50, p90 = quantiles[:, 0], quantiles[:, 1]
    actual = np.array(num_tokens, dtype=float)
    error = np.abs(p50 - actual)
    head = (
        f"{len(briefs)} cases: rank correlation {rank_correlation(list(p50), num_tokens):.3f}, "
        f"mean error {error.mean():.1f} tokens, p50 holds {np.mean(actual <= p50):.1%}, "
        f"p90 holds {np.mean(actual <= p90):.1%}"
    )
    lines = [head]
    for low, high in pairwise(BUCKETS_TOKENS):
        inside = (actual >= low) & (actual < high)
        if inside.any():
            lines.append(
                f"* {low} to {high - 1} tokens: {inside.sum()} cases, "
                f"mean error {error[inside].mean():.1f}"
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=600)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--model", type=Path, default=MODEL_FOLDER)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    tokenizer, model = load(options.model)

    def measure(cases: Sequence[EvaluationCase]) -> tuple[list[str], list[int]]:
        briefs = [case.brief for case in cases]
        return briefs, [answer.num_tokens for answer in write_answers(model, tokenizer, briefs)]

    fitted_on = measure(generated_cases(options.cases, seed=CHECK_SEED + 2))
    weights = fit_weights(*fitted_on, version=f"embedded-{options.cases}")
    save(weights, WEIGHTS_PATH)
    unseen = {"generated": generated_cases(options.cases // 4, seed=CHECK_SEED + 3)}
    unseen |= {path.stem: cases_of_file(path) for path in sorted(CALLS.glob("*.jsonl"))}
    for name, cases in unseen.items():
        print(f"**{name}**, not used in the fit, {report(weights, *measure(cases))}\n")


if __name__ == "__main__":
    main()
