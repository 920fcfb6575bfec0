"""`python manage.py evaluate_triage PATH [--json] [--out FILE]`: measures the classifier."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from scheduling.files import CannotUse
from scheduling.management.option_types import output, path
from triage_site.triage.evaluation import confusion, evaluate
from triage_site.triage.model.candidate import Candidate, CannotOpen, open_candidate


class Command(BaseCommand):
    help = (
        "Runs the classifier on a file, or on every file of a folder, each apart: a table (our "
        "columns, those of the KTAS study or of MIMIC-IV-ED, or text and age_years), or JSON lines "
        "of facts as POST /api/v1/cases takes them. With expert_level (1 to 5) or priority (0 to "
        "4) it prints agreement, safety, calibration and speed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=path)
        parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
        parser.add_argument(
            "--out", type=output, help="CSV of every case: id, priority, best_guess, ..."
        )
        parser.add_argument("--png", type=output, help="picture of the table of levels")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._evaluate(options)
        except CannotUse as error:
            raise CommandError(str(error), returncode=2) from None

    def _evaluate(self, options: dict[str, Any]) -> None:
        candidate = self._candidate()
        judged = {
            file.name: (cases, evaluate.run(cases, candidate=candidate))
            for file in evaluate.sources(options["path"])
            for cases in [self._read(file)]
        }
        if not judged:
            raise CommandError(f"{options['path']}: no file of cases", returncode=2)
        if options["out"]:
            evaluate.write_cases(options["out"], list(judged.values()))
        found = {name: evaluate.report(*one) for name, one in judged.items()}
        for name, figures in found.items():
            if options["png"] and "operating_point" in figures:
                target = options["png"]
                if len(found) > 1:
                    target = target.with_stem(f"{target.stem}-{Path(name).stem}")
                confusion.draw(figures["operating_point"]["table"], name, target)
        self.stdout.write(self._shown(found, as_json=options["json"]))

    def _shown(self, found: dict[str, dict[str, Any]], *, as_json: bool) -> str:
        if len(found) == 1:
            (figures,) = found.values()
            return json.dumps(figures) if as_json else evaluate.as_text(figures)
        if as_json:
            return json.dumps(found)
        return "\n\n".join(f"{name}\n{evaluate.as_text(one)}" for name, one in found.items())

    def _read(self, file: Path) -> evaluate.Cases:
        try:
            return evaluate.read_file(file)
        except evaluate.BadFile as bad:
            raise CommandError(f"{file}: {bad}", returncode=2) from None

    def _candidate(self) -> Candidate | None:
        """Returns the classifier of TRIAGE_CLASSIFIER; None stands for the shipped one."""
        if not settings.TRIAGE_CLASSIFIER:
            return None
        try:
            return open_candidate(Path(settings.TRIAGE_CLASSIFIER))
        except CannotOpen as error:
            raise CommandError(f"TRIAGE_CLASSIFIER: {error}", returncode=2) from None
