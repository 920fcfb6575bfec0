"""Adds, renames and lists departments."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Count

from scheduling.management.option_types import text
from triage_site.cases.models import Department
from triage_site.cases.services.departments import add_department


class Command(BaseCommand):
    help = (
        "Adds a department or renames it. With one department everybody sees every case; with "
        "several, clinicians see those of their own (manage.py account NAME --department CODE)."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("code", nargs="?", type=text, help="short, such as PAED")
        parser.add_argument("--name", type=text, help="as pages show it")
        parser.add_argument("--list", action="store_true", help="list all departments")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["list"]:
            self._list()
        elif not options["code"] or not options["name"]:
            raise CommandError("give a code and --name, or use --list")
        else:
            self._add(options["code"], options["name"])

    def _add(self, code: str, name: str) -> None:
        try:
            made = add_department(code, name)
        except ValueError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{made.code}: {made.name}")

    def _list(self) -> None:
        people = dict(Department.objects.annotate(num=Count("people")).values_list("pk", "num"))
        for one in Department.objects.annotate(num=Count("cases")):
            self.stdout.write(
                f"{one.code:<16} {one.name:<40} {people[one.pk]} people, {one.num} cases"
            )
