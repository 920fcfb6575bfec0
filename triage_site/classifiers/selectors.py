"""The choice of the active and of the shadow classifier."""

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
CONFIGURED = ""  # stands for the folder of the classifier of the settings


@dataclass(frozen=True, slots=True)
class Choice:
    """A classifier by its folder. An empty `version` accepts any version."""

    folder: str
    version: str = ""

    @property
    def path(self) -> Path:
        return Path(self.folder or settings.TRIAGE_CLASSIFIER or WEIGHTS_DIR)


def site_costs() -> Costs:
    """Returns the costs of wrong levels at this site."""
    level_0, level_1, level_2, level_3 = settings.TRIAGE_UNDER_COSTS
    return Costs(
        under=(level_0, level_1, level_2, level_3),
        over=settings.TRIAGE_OVER_COST,
        missed_emergency=settings.TRIAGE_MISSED_EMERGENCY_COST,
    )


def active_choice() -> Choice:
    """Returns the active classifier: that of the newest change, else that of the settings."""
    newest = ClassifierChange.objects.values_list("new_folder", "new_version").first()
    if newest is None or newest[0] == CONFIGURED:
        return Choice(CONFIGURED)
    return Choice(*newest)


def shadow_choice() -> Choice | None:
    """Returns the shadow classifier; None when TRIAGE_SHADOW_CLASSIFIER is empty.

    While that classifier is active, the classifier of the settings is the shadow.
    """
    folder = settings.TRIAGE_SHADOW_CLASSIFIER
    if not folder:
        return None
    active = active_choice()
    is_active = active.folder == folder and active.version == version_or_error(active)[0]
    return Choice(CONFIGURED if is_active else folder)


def version_or_error(choice: Choice) -> tuple[str, str]:
    """Returns (version of the weights in the folder, "") or ("", reason why it has none)."""
    try:
        return _version(choice.path, _stamp(choice.path)), ""
    except CannotOpen as error:
        return "", str(error)


def opened(choice: Choice) -> Candidate:
    """Opens a classifier. Raises CannotOpen, also when the folder holds another version."""
    candidate = open_candidate(choice.path, site_costs())
    if choice.version and candidate.version != choice.version:
        raise CannotOpen(f"{choice.path}: holds {candidate.version}, not {choice.version}")
    return candidate


@lru_cache(maxsize=8)
def _version(folder: Path, _stamp: int) -> str:
    return version_of(folder)


def _stamp(folder: Path) -> int:
    """Returns a hash of names and modification times of the files in the folder."""
    try:
        files = [(file.name, file.stat().st_mtime_ns) for file in folder.iterdir()]
    except OSError:
        return 0
    return hash(tuple(sorted(files)))


def recent_changes() -> Sequence[ClassifierChange]:
    return list(ClassifierChange.objects.select_related("actor")[:NUM_CHANGES_SHOWN])
