"""`manage.py explain_order`: the order of the queue at a past moment, with each factor."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from scheduling.core.policies import order
from scheduling.core.request import Request
from scheduling.management.option_types import moment
from scheduling.order_history import PastOrder, order_at
from scheduling.receipts import factors_of
from triage_site.cases.departments import EVERYTHING
from triage_site.cases.order_shown import case_numbers, factors
from triage_site.cases.place_words import place_sentence
from triage_site.cases.waiting_reason import tallies


class Command(BaseCommand):
    help = (
        "Prints the order of the queue at a past moment, rebuilt from the receipts of its moves, "
        "with everything that the policy sorted by."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--at",
            required=True,
            type=moment,
            help="a moment, such as 2026-03-01T08:00:00+00:00",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        found = order_at(options["at"])
        numbers = case_numbers(found.cases, EVERYTHING)
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(found, numbers)))
            return
        self.stdout.write(f"{found.at.isoformat()}, policy {found.policy.title}")
        for request in found.running:
            self.stdout.write(f"running  {_name(request, numbers)}, level {request.priority}")
        ahead = tallies(found.waiting, found.at.timestamp())
        for rank, request in enumerate(found.waiting):
            self.stdout.write(f"{_name(request, numbers)}. {place_sentence(rank, ahead[rank].all)}")
            values = "; ".join(
                f"{one.name.lower()} {one.value}" for one in factors(request, found.policy.name)[1:]
            )
            self.stdout.write(f"    {values}")
        if not found.waiting:
            self.stdout.write("No case waited.")


def _name(request: Request, numbers: dict[str, int]) -> str:
    number = numbers.get(request.id)
    return f"job {request.id}" if number is None else f"case {number}"


def _as_json(found: PastOrder, numbers: dict[str, int]) -> dict[str, Any]:
    return {
        "at": found.at.isoformat(),
        "policy": found.policy.name,
        "running": [
            {"job": one.id, "case": numbers.get(one.id), **factors_of(one)} for one in found.running
        ],
        "waiting": [
            {
                "rank": rank,
                "job": one.id,
                "case": numbers.get(one.id),
                **factors_of(one),
                "remaining_tokens": one.remaining_tokens,
                "key": list(found.policy(one.as_sorted)),
                "order": list(order(one, found.policy, found.at.timestamp()))[:-1],
            }
            for rank, one in enumerate(found.waiting)
        ],
    }
