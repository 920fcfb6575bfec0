"""Creates, changes, deactivates and lists user accounts."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from scheduling.management.option_types import text
from triage_site.cases import accounts
from triage_site.cases.account_notices import What, tell
from triage_site.cases.api_tokens import replace_token
from triage_site.cases.departments import has_several
from triage_site.cases.lockout import unlock
from triage_site.cases.models import Department
from triage_site.cases.roles import CLINICIAN, ROLES, Action, Scope, may
from triage_site.cases.second_factor import has_device
from triage_site.cases.services.departments import departments_of_codes

MAX_PASSWORD = 4096


class Command(BaseCommand):
    help = "Creates an account or changes it. A new account needs a role and a password."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("username", nargs="?", type=text)
        parser.add_argument("--role", choices=ROLES)
        parser.add_argument(
            "--department",
            action="append",
            type=text,
            metavar="CODE",
            help="where the person works; several are allowed, and they replace those of before",
        )
        parser.add_argument(
            "--password-stdin", action="store_true", help="read the password from a pipe"
        )
        parser.add_argument(
            "--new-password",
            action="store_true",
            help="set a password, which the person must change at the next sign-in",
        )
        parser.add_argument(
            "--email", type=text, help="where changes of the sign-in are told, beside the pages"
        )
        parser.add_argument("--token", action="store_true", help="print a new API token, once")
        parser.add_argument(
            "--scope",
            choices=[scope.value for scope in Scope],
            default=Scope.READ.value,
            help="what the token may do; `operate` is everything that the account may do",
        )
        parser.add_argument("--list", action="store_true", help="list all accounts")
        parser.add_argument(
            "--deactivate", action="store_true", help="end all access of the account"
        )
        parser.add_argument("--activate", action="store_true", help="undo --deactivate")
        parser.add_argument(
            "--reset-second-factor", action="store_true", help="for a person who lost the app"
        )
        parser.add_argument("--unlock", action="store_true", help="after too many failed sign-ins")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["list"]:
            self._list()
            return
        username = options["username"]
        if not username:
            raise CommandError("username: name an account, or use --list")
        user = accounts.find_account(username)
        changes = [one for one in _CHANGES if options[one]]
        if changes and user is None:
            raise CommandError(f"{username}: there is no such account")
        for one in changes:
            _CHANGES[one](user)
            self.stdout.write(f"{username}: {one.replace('_', ' ')}")
        if any(options[one] for one in _SETS):
            user = self._set(username, user, options)
        elif user is None or not (changes or options["token"]):
            raise CommandError(f"{username}: say what to do; a new account needs --role")
        if options["token"]:
            self.stdout.write(f"API token (shown only once): {_token(user, options['scope'])}")

    def _set(self, username: str, user: User | None, options: dict[str, Any]) -> User:
        is_given = options["new_password"] or options["password_stdin"]
        role = options["role"] or (user and user.groups.values_list("name", flat=True).first())
        if not role:
            raise CommandError(f"{username}: --role is needed, one of {', '.join(ROLES)}")
        departments = _departments(options, role, is_new=user is None)
        password = _password(options) if is_given or user is None else None
        try:
            user = accounts.set_account(
                username,
                role=role,
                password=password,
                email=options["email"],
                departments=departments,
            )
        except ValidationError as error:
            raise CommandError(f"{username}: {' '.join(error.messages)}") from None
        self.stdout.write(f"{user.username}: {role}")
        return user

    def _list(self) -> None:
        several = has_several()
        people = User.objects.order_by("username").prefetch_related("groups", "departments")
        for user in people:
            role = ", ".join(group.name for group in user.groups.all()) or "no role"
            state = "active" if user.is_active else "deactivated"
            factor = "second factor" if has_device(user) else "no second factor"
            last = f"{user.last_login:%Y-%m-%d}" if user.last_login else "never"
            self.stdout.write(
                f"{user.username:<24} {role:<14} {state:<12} {factor:<17} last sign-in {last}"
                + (f"  {_codes(user)}" if several else "")
            )
        if settings.TRIAGE_DEMO:
            self.stdout.write("demo mode: nobody needs a second factor")


_SETS = ("role", "new_password", "password_stdin", "department", "email")


def _codes(user: User) -> str:
    if may(user, Action.ALL_DEPARTMENTS):
        return "all departments"
    return ", ".join(one.code for one in user.departments.all()) or "no department"


def _departments(options: dict[str, Any], role: str, *, is_new: bool) -> list[Department] | None:
    """Returns what `--department` names; None keeps what the account has."""
    try:
        if options["department"]:
            return departments_of_codes(options["department"])
    except ValueError as error:
        raise CommandError(str(error).partition(": ")[2]) from None
    if is_new and role == CLINICIAN and has_several():
        codes = ", ".join(Department.objects.values_list("code", flat=True))
        raise CommandError(f"--department is needed, one or more of {codes}")
    return None


_CHANGES: dict[str, Any] = {
    "deactivate": lambda user: accounts.set_active(user, False),
    "activate": lambda user: accounts.set_active(user, True),
    "reset_second_factor": accounts.reset_second_factor,
    "unlock": unlock,
}


def _token(user: User, scope: str) -> str:
    try:
        key = replace_token(user, Scope(scope))
    except PermissionError as error:
        raise CommandError(f"--token: {user.username} {error}") from None
    tell(user, What.TOKEN, detail="command line")
    return key


def _password(options: dict[str, Any]) -> str:
    try:
        if options["password_stdin"]:
            return _line()
        first = getpass.getpass("Password: ")
        again = getpass.getpass("Again: ")
    except UnicodeDecodeError:
        raise CommandError("password: not UTF-8 text. Nothing was changed.") from None
    except EOFError:
        raise CommandError("password: no terminal to ask; use --password-stdin") from None
    if again != first:
        raise CommandError("The passwords differ. Nothing was changed.")
    return first


def _line() -> str:
    line = sys.stdin.readline(MAX_PASSWORD + 2).rstrip("\n")
    if len(line) > MAX_PASSWORD:
        raise CommandError(f"password: longer than {MAX_PASSWORD} characters. Nothing was changed.")
    return line
