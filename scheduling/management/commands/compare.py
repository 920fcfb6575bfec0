"""`manage.py compare`: all policies on one workload, compared with FCFS and with the bound."""

from __future__ import annotations

from argparse import ArgumentParser
from time import perf_counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from scheduling.management import options as simulator_options
from scheduling.management.simulation import compare_command


class Command(BaseCommand):
    help = "Simulates all policies on one workload and compares them with a lower bound."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        simulator_options.add_batching_option(parser)
        simulator_options.add_workload_options(parser)
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.stdout.write(compare_command(options, perf_counter))
        except (ValueError, OSError) as error:
            raise CommandError(str(error), returncode=2) from error
