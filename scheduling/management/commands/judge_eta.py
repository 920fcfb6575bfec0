"""`manage.py judge_eta`: how good the forecasts of waits have been, from the record."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand

from scheduling.management.option_types import moment
from scheduling.models import Forecast
from scheduling.recorded import judged_ends, judged_forecasts, judged_starts, num_untold
from scheduling.simulator.judgement import judge


class Command(BaseCommand):
    help = (
        "Compares what was shown for each case with what then happened: its first times, and "
        "then those of five cases each second until the guidance was ready. The first figures "
        "are of the time until the guidance is ready; `start` holds those of the wait for its "
        "start, `when_queued` those of the first forecast of each case alone. Times below one "
        "second are left out. `cases` counts forecasts, `untold` cases that waited without any. "
        "Cases of a replay that was started from the page are in `replayed` and nowhere else."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        for name in ("--since", "--until"):
            parser.add_argument(
                name, type=moment, help="of the forecasts, such as 2026-03-01T08:00:00+00:00"
            )

    def handle(self, *args: Any, **options: Any) -> None:
        window = (options["since"], options["until"])
        figures = _figures(judged_forecasts(*window))
        figures["untold"] = num_untold(*window)
        figures["when_queued"] = _figures(judged_forecasts(*window, first_only=True))
        figures["replayed"] = _figures(judged_forecasts(*window, replayed=True))
        if options["json"]:
            self.stdout.write(json.dumps(figures))
            return
        self.stdout.write(f"guidance ready:    {_words(figures)}")
        self.stdout.write(f"when queued:       {_words(figures['when_queued'])}")
        self.stdout.write(f"start of guidance: {_words(figures['start'])}")
        self.stdout.write(f"without a time:    {figures['untold']} cases that waited")
        if figures["replayed"]["cases"]:
            self.stdout.write(f"of replays, ready: {_words(figures['replayed'])}")


def _figures(found: Sequence[Forecast]) -> dict[str, Any]:
    return {**judge(judged_ends(found)), "start": judge(judged_starts(found))}


def _words(figures: dict[str, Any]) -> str:
    if not figures["cases"]:
        return "none of a second or longer"
    return (
        f"{figures['cases']} forecasts, median error {figures['median_error']:.0%} of the time, "
        f"bias {figures['bias']:+.0%}, {figures['coverage']:.0%} within the range"
    )
