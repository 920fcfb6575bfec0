"""Writes what the training data looked like, as counts.

    python -m triage_site.triage.training.make_reference CSV

CSV has the columns of the KTAS study. Only counts of bins are written, no rows. The levels are
those that the weights decide on these rows, since the live ones are decisions too. The training
of the classifier ends with this.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Final

from triage_site.triage import classify_many
from triage_site.triage.evaluation.drift import REFERENCE_FILE, histograms
from triage_site.triage.evaluation.evaluate import read_csv
from triage_site.triage.model.scoring import WEIGHTS_DIR, load
from triage_site.triage.types import NUM_PRIORITIES

SOURCE: Final = "training data: Moon et al. 2019, PLOS ONE 14(9): e0216972, CC BY 4.0"


def write_reference(csv: Path, folder: Path) -> None:
    """Counts of the rows of `csv`, and of the levels that the weights in `folder` give them."""
    facts = read_csv(csv).facts
    model = load.__wrapped__(folder)  # past its cache: they may have been written just now
    levels = Counter(said.priority for said in classify_many(facts, model=model, explain=False))
    reference = {
        "source": SOURCE,
        "num_cases": len(facts),
        "levels": [levels[priority] for priority in range(NUM_PRIORITIES)],
        "counts": histograms(facts),
    }
    path = folder / REFERENCE_FILE.name
    path.write_text(json.dumps(reference) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("csv", type=Path)
    parser.add_argument("--folder", type=Path, default=WEIGHTS_DIR)
    arguments = parser.parse_args()
    write_reference(arguments.csv, arguments.folder)


if __name__ == "__main__":
    main()
