"""Which classifier is live, and which runs in its shadow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from triage_site.classifiers.models import ClassifierChange
from triage_site.triage.decision import Costs
from triage_site.triage.model.candidate import Candidate, CannotOpen, open_candidate, version_of
from triage_site.triage.model.scoring import WEIGHTS_DIR

NUM_CHANGES_SHOWN = 20
CONFIGURED = ""  # the folder of the classifier that the site is set up with


@dataclass(frozen=True, slots=True)
class Choice:
    """A classifier by its folder; `version` is empty where any version of it will do."""

    folder: str
    version: str = ""

    @property
    def path(self) -> Path:
        return Path(self.folder or settings.TRIAGE_CLASSIFIER or WEIGHTS_DIR)


def site_costs() -> Costs:
    """What a wrong level costs at this site."""
    level_0, level_1, level_2, level_3 = settings.TRIAGE_UNDER_COSTS
    return Costs(
        under=(level_0, level_1, level_2, level_3),
        over=settings.TRIAGE_OVER_COST,
        missed_emergency=settings.TRIAGE_MISSED_EMERGENCY_COST,
    )


def live_choice() -> Choice:
    newest = ClassifierChange.objects.values_list("new_folder", "new_version").first()
    if newest is None or newest[0] == CONFIGURED:
        return Choice(CONFIGURED)
    return Choice(*newest)


def shadow_choice() -> Choice | None:
    """The classifier to run beside the live one; None where the site names none.

    Once the named one is live, the one that the site is set up with runs in its shadow.
    """
    named = settings.TRIAGE_SHADOW_CLASSIFIER
    if not named:
        return None
    live = live_choice()
    is_live = live.folder == named and live.version == version_or_why(live)[0]
    return Choice(CONFIGURED if is_live else named)


def version_or_why(choice: Choice) -> tuple[str, str]:
    """The version of the weights that the folder holds now, or else why it has none."""
    try:
        return _version(choice.path, _stamp(choice.path)), ""
    except CannotOpen as error:
        return "", str(error)


def opened(choice: Choice) -> Candidate:
    """Raises CannotOpen, also where the folder now holds another version than the chosen one."""
    candidate = open_candidate(choice.path, site_costs())
    if choice.version and candidate.version != choice.version:
        raise CannotOpen(f"{choice.path}: holds {candidate.version}, not {choice.version}")
    return candidate


@lru_cache(maxsize=8)
def _version(folder: Path, _stamp: int) -> str:
    return version_of(folder)


def _stamp(folder: Path) -> int:
    """Changes when a file of the folder does."""
    try:
        files = [(file.name, file.stat().st_mtime_ns) for file in folder.iterdir()]
    except OSError:
        return 0
    return hash(tuple(sorted(files)))


def recent_changes() -> Sequence[ClassifierChange]:
    return list(ClassifierChange.objects.select_related("actor")[:NUM_CHANGES_SHOWN])
