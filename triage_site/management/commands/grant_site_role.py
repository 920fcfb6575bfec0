"""Gives the database account of web process and workers what they need, and no more."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from scheduling import site_role
from scheduling.management.option_types import text


class Command(BaseCommand):
    help = (
        "PostgreSQL: makes the role of web process and workers, if it is missing, and sets its "
        "rights. Run it as the owner of the tables, after each migrate."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("role", type=text, help="name of the role, such as triage_site")
        parser.add_argument(
            "--password-stdin", action="store_true", help="read the password of the role"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        password = sys.stdin.readline().rstrip("\r\n") if options["password_stdin"] else ""
        if options["password_stdin"] and not password:
            raise CommandError("--password-stdin: no password was given")
        try:
            site_role.grant(options["role"], password)
        except site_role.CannotGrant as error:
            raise CommandError(f"role: {error}") from None
        self.stdout.write(f"{options['role']} may read and write rows, and add to histories.")
