"""Writes what the training data looked like: `python -m llm_worker.training.make_reference CSV`.

CSV has the columns of the KTAS study. Only counts of bins are written, no rows. The levels are
those that the shipped classifier decides on these rows, since the live ones are its decisions too;
run this again after `train_classifier`.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Final

from llm_worker.classifier import classify_many
from llm_worker.classifier.drift import REFERENCE_FILE, histograms
from llm_worker.classifier.evaluate import read_csv
from llm_worker.classifier.types import NUM_PRIORITIES

SOURCE: Final = "training data: Moon et al. 2019, PLOS ONE 14(9): e0216972, CC BY 4.0"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("csv", type=Path)
    parser.add_argument("--out", type=Path, default=REFERENCE_FILE)
    arguments = parser.parse_args()
    facts = read_csv(arguments.csv).facts
    levels = Counter(said.priority for said in classify_many(facts, explain=False))
    reference = {
        "source": SOURCE,
        "num_cases": len(facts),
        "levels": [levels[priority] for priority in range(NUM_PRIORITIES)],
        "counts": histograms(facts),
    }
    arguments.out.write_text(json.dumps(reference) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
