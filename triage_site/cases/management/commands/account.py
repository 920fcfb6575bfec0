"""Creates or changes a user account: a role and optionally an API token."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from triage_site.cases.accounts import find_account, replace_token, set_account
from triage_site.cases.roles import ROLES


class Command(BaseCommand):
    help = "Creates an account or changes its role. A new account needs a password."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--role", choices=ROLES, required=True)
        parser.add_argument(
            "--password-stdin", action="store_true", help="read the password from a pipe"
        )
        parser.add_argument("--new-password", action="store_true", help="change the password")
        parser.add_argument("--token", action="store_true", help="print a new API token, once")

    def handle(self, *args: Any, **options: Any) -> None:
        username, role = options["username"], options["role"]
        is_given = options["new_password"] or options["password_stdin"]
        password = _password(options) if is_given or find_account(username) is None else None
        try:
            user = set_account(username, role=role, password=password)
        except ValidationError as error:
            raise CommandError(f"{username}: {' '.join(error.messages)}") from None
        self.stdout.write(f"{user.username}: {role}")
        if options["token"]:
            self.stdout.write(f"API token (shown only once): {replace_token(user)}")


def _password(options: dict[str, Any]) -> str:
    if options["password_stdin"]:
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != first:
        raise CommandError("The passwords differ. Nothing was changed.")
    return first
