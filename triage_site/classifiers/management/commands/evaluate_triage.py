"""`python manage.py evaluate_triage CSV [--json] [--out FILE]`: measures the classifier."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from triage_site.triage.evaluation import evaluate
from triage_site.triage.model.candidate import Candidate, CannotOpen, open_candidate


class Command(BaseCommand):
    help = (
        "Runs the classifier on a CSV file (KTAS columns, or text and age_years). With a column "
        "expert_level it prints agreement, safety, calibration and speed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("csv", type=Path)
        parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
        parser.add_argument("--out", type=Path, help="write the level of every case to this CSV")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            cases = evaluate.read_csv(options["csv"])
        except evaluate.BadFile as bad:
            raise CommandError(f"{options['csv']}: {bad}", returncode=2) from None
        except OSError as error:
            raise CommandError(f"{options['csv']}: {error.strerror}", returncode=2) from None
        outcome = evaluate.run(cases, candidate=self._candidate())
        if options["out"]:
            evaluate.write_levels(options["out"], outcome)
        found = evaluate.report(cases, outcome)
        self.stdout.write(json.dumps(found) if options["json"] else evaluate.as_text(found))

    def _candidate(self) -> Candidate | None:
        """Returns the classifier of TRIAGE_CLASSIFIER; None stands for the shipped one."""
        if not settings.TRIAGE_CLASSIFIER:
            return None
        try:
            return open_candidate(Path(settings.TRIAGE_CLASSIFIER))
        except CannotOpen as error:
            raise CommandError(f"TRIAGE_CLASSIFIER: {error}", returncode=2) from None
