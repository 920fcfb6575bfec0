"""`python manage.py refit_length`: fits the length predictor to the stored guidance."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from scheduling.core.status import JobStatus
from scheduling.management.option_types import number
from scheduling.models import Job
from triage_site.triage import length_fit
from triage_site.triage.length import current_weights

# Only complete texts are used: the full length of a cut or withheld text is unknown.
COMPLETE = "eos"
MAX_RECORDED = 20_000
days = number(0, 36_525, above=True, words="more than 0 and at most 36525 days")


class Command(BaseCommand):
    help = (
        "Fits the length predictor to the stored guidance and evaluates it on the newest part. "
        "The new weights are used if they are better. Workers load them with the next case."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", type=days, default=90.0, metavar="DAYS")
        parser.add_argument("--dry-run", action="store_true", help="evaluate, but change nothing")
        parser.add_argument("--json", action="store_true", help="one JSON object instead of text")

    def handle(self, *args: Any, **options: Any) -> None:
        model, jobs = self._jobs(options["since"])
        record = [length_fit.Written(prompt, tokens) for prompt, tokens in jobs]
        version = f"site-{timezone.now():%Y%m%d%H%M%S}"
        try:
            found = length_fit.refit(record, current_weights(), version)
        except length_fit.TooFew as error:
            raise CommandError(f"not refitted: {error}", returncode=1) from None
        used = found.better and not options["dry_run"]
        if used:
            length_fit.put_into_use(found.weights, settings.LENGTH_WEIGHTS_FILE)
        report = {**found.to_dict(), "writer": model, "put_into_use": used}
        if options["json"]:
            self.stdout.write(json.dumps(report))
            return
        self.stdout.write(f"guidance written by {model}")
        self.stdout.write(length_fit.as_text(report))
        self.stdout.write(_outcome(better=found.better, used=used))

    def _jobs(self, days: float) -> tuple[str, list[tuple[str, int]]]:
        """Returns the model that was used last and its (prompt, tokens) pairs, oldest first."""
        jobs = Job.objects.filter(
            status=JobStatus.DONE,
            finish_reason=COMPLETE,
            finished_at__gte=timezone.now() - timedelta(days=days),
        ).exclude(prompt="")  # of anonymised cases
        jobs = jobs.order_by("-finished_at")
        newest = jobs.first()
        if newest is None:
            return "no model", []
        same = jobs.filter(model_name=newest.model_name)
        rows = list(same.values_list("prompt", "generated_tokens")[:MAX_RECORDED])
        return newest.model_name, rows[::-1]


def _outcome(*, better: bool, used: bool) -> str:
    if used:
        return f"better: in use from the next case on ({settings.LENGTH_WEIGHTS_FILE})"
    return "better: not used (dry run)" if better else "not better: nothing was changed"
