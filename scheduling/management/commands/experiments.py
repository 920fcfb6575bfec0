"""`manage.py experiments`: runs the paper's experiments and writes docs/RESULTS.md."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from scheduling.management.option_types import count, output, whole
from scheduling.paper.experiment_output import write_outputs
from scheduling.paper.experiments import EXPERIMENTS, run_experiment
from scheduling.paper.records import read_points
from scheduling.paper.results_page import write_results_page

MAX_PROCESSES = 256
DOCS_RESULTS = Path(settings.BASE_DIR) / "docs" / "results"


class Command(BaseCommand):
    help = (
        "Runs the paper's experiments for all policies. After an interruption the same command "
        "continues. 'report' draws plots and writes RESULTS.md from recorded results."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("experiment", choices=[*EXPERIMENTS, "all", "report"])
        parser.add_argument(
            "--out",
            type=output,
            default=DOCS_RESULTS,
            metavar="DIR",
            help="folder for results, also of an interrupted run; default docs/results",
        )
        parser.add_argument(
            "--processes", type=whole(1, MAX_PROCESSES), default=os.cpu_count() or 1, metavar="N"
        )
        parser.add_argument(
            "--largest-group",
            type=count,
            metavar="N",
            help="skip simulations with larger groups of requests",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        chosen, out = options["experiment"], options["out"]
        try:
            if chosen == "report":
                self._report(out)
                return
            for name in EXPERIMENTS if chosen == "all" else [chosen]:
                self._run(name, out, options)
            if chosen == "all":
                self._write_page(out)
        except KeyboardInterrupt:
            self.stderr.write("\ninterrupted; run the same command to continue")
            raise SystemExit(130) from None
        except (ValueError, OSError) as error:
            raise CommandError(str(error), returncode=2) from error

    def _report(self, out: Path) -> None:
        for name in EXPERIMENTS:
            points = [point for _, point in sorted(read_points(out / name).items())]
            if points and (reason := write_outputs(name, points, out / name)):
                self.stderr.write(reason)
        self._write_page(out)

    def _write_page(self, out: Path) -> None:
        """Writes the page to docs for docs/results, and into `out` for any other folder."""
        folder = out.parent if out.resolve() == DOCS_RESULTS.resolve() else out
        self.stdout.write(f"wrote {write_results_page(out, folder / 'RESULTS.md')}")

    def _run(self, name: str, out: Path, options: dict[str, Any]) -> None:
        def progress(done: int, total: int) -> None:
            filled = 40 * done // total if total else 40
            bar = "#" * filled + "." * (40 - filled)
            end = "\n" if done == total else ""
            self.stderr.write(f"\r{name:<15} [{bar}] {done}/{total}", ending=end)

        points = run_experiment(
            name,
            out,
            num_processes=options["processes"],
            progress=progress,
            largest_group=options["largest_group"],
        )
        if reason := write_outputs(name, points, out / name):
            self.stderr.write(reason)
