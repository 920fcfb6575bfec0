"""`manage.py simulate`: one policy on one workload in virtual time."""

from __future__ import annotations

from argparse import ArgumentParser
from time import perf_counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from scheduling.management import options as simulator_options
from scheduling.management.option_types import output
from scheduling.management.simulation import simulate_command


class Command(BaseCommand):
    help = "Simulates one policy on one workload and prints response times by level."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        simulator_options.add_policy_option(parser)
        simulator_options.add_batching_option(parser)
        simulator_options.add_workload_options(parser)
        parser.add_argument("--json", action="store_true", help="one JSON object")
        parser.add_argument("--trace", type=output, help="CSV file to write, one line per request")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.stdout.write(simulate_command(options, perf_counter))
        except (ValueError, OSError) as error:
            raise CommandError(str(error), returncode=2) from error
