from __future__ import annotations

import signal
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.management.color import supports_color

from triage_site.processes import die_with_parent
from triage_site.start_checks import CannotStart
from triage_site.up import Log, System


class Command(BaseCommand):
    help = "Starts stores, web server and workers. Stops them together on Ctrl-C."
    # The database may not exist yet.
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--with-parent",
            action="store_true",
            help="stop when the parent process ends (`make run` uses this)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["with_parent"]:
            die_with_parent(signal.SIGTERM)
        try:
            code = System(Log(sys.stdout, coloured=supports_color())).run()
        except CannotStart as error:
            raise CommandError(str(error)) from error
        sys.exit(code)
