"""From probabilities to a level: expected cost and the set of likely levels.

Both follow the probabilities: where each P(priority <= k) is higher, the level decided is at
least as urgent (`Costs`). So the decision is monotone in whatever the model is monotone in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from triage_site.triage.types import NUM_PRIORITIES

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a wrong level costs, per level of distance; a right one costs nothing.

    `under[y]`: a patient of priority y handled as less urgent; it must not grow with y, which
    keeps the decision monotone. `over`: handled as more urgent. `missed_emergency` is added
    where a patient of priority 0 or 1 is sent to priority 3 or 4. The defaults were chosen by
    cross-validation to stay within 6 % under- and 30 % over-triage; see docs/MODEL_CARD.md.
    """

    under: tuple[float, float, float, float] = (4.75, 4.75, 2.14, 1.57)
    over: float = 1.0
    missed_emergency: float = 10.0

    def __post_init__(self) -> None:
        if list(self.under) != sorted(self.under, reverse=True) or self.over <= 0:
            raise ValueError("under: must not grow with the priority; over: must be positive")

    def matrices(self) -> tuple[Floats, Floats]:
        """Of too mild a level and of too urgent a one, each [true priority, decided priority]."""
        levels = np.arange(NUM_PRIORITIES)
        too_mild = np.maximum(levels[None, :] - levels[:, None], 0)
        under = np.array([*self.under, 0.0])[:, None] * too_mild
        under[:2, 3:] += self.missed_emergency
        return under, self.over * too_mild.T


DEFAULT_COSTS: Final = Costs()


def decide(
    probabilities: Floats, costs: Costs = DEFAULT_COSTS, caution: Floats | float = 1.0
) -> NDArray[np.int64]:
    """Cheapest level on average for each row, the more urgent of equals.

    Too mild a level costs `caution` times as much (one factor, or one a row).
    """
    under, over = (probabilities @ matrix for matrix in costs.matrices())
    expected = np.reshape(caution, (-1, 1)) * under + over
    decided: NDArray[np.int64] = np.argmin(np.round(expected, 9), axis=1)
    return decided


def level_sets(probabilities: Floats, least: Floats | float) -> list[tuple[int, ...]]:
    """Levels at least that probable (one bound, or one a row), with the best guess and without
    holes."""
    out = []
    for row, bound in zip(probabilities, np.broadcast_to(least, len(probabilities)), strict=True):
        likely = np.flatnonzero(row >= bound)
        best = int(np.argmax(row))
        low = min([best, *likely.tolist()])
        high = max([best, *likely.tolist()])
        out.append(tuple(range(low, high + 1)))
    return out


def conformal_threshold(probabilities: Floats, labels: NDArray[np.int64], coverage: float) -> float:
    """Largest threshold whose level sets hold the label in `coverage` of the rows.

    The split-conformal quantile (n + 1 in the count; Vovk et al.), on out-of-fold rows.
    """
    needed = np.empty(len(labels))
    for index, (row, label) in enumerate(zip(probabilities, labels, strict=True)):
        outward = row[: label + 1] if label < np.argmax(row) else row[label:]
        needed[index] = 1.0 if label == np.argmax(row) else outward.max()
    rank = int(np.floor((len(labels) + 1) * (1 - coverage)))
    return float(np.sort(needed)[max(0, rank - 1)])
