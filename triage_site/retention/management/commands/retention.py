"""Removes and anonymises old records. Without --apply it prints what it would do."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from scheduling.append_only import NotTheOwner
from scheduling.management.option_types import text
from triage_site.retention import services
from triage_site.retention.audit import DamagedAuditError
from triage_site.retention.run import Run


class Command(BaseCommand):
    help = (
        "Anonymises closed cases and removes audit records that are older than the settings say. "
        "It changes nothing without --apply."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--apply", action="store_true", help="do it, in small steps")
        parser.add_argument(
            "--as", dest="account", type=text, help="the account that the audit names"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        rules = services.rules(now)
        self._say("closed cases", "TRIAGE_RETENTION_CASE_DAYS", rules.cases_before)
        self._say("audit records", "TRIAGE_RETENTION_AUDIT_DAYS", rules.audit_before)
        actor = self._actor(options["account"])
        if not options["apply"]:
            self._show(services.plan(now))
            self.stdout.write("Nothing was changed: this is a dry run. --apply does it.")
            return
        try:
            self._show(services.apply(Run(now=now, actor=actor)))
        except NotTheOwner as error:
            raise CommandError(
                f"{error}; run the command with the DATABASE_URL of the owner of the tables"
            ) from None
        except DamagedAuditError:
            raise CommandError(
                "the audit is damaged, so nothing of it was removed; see verify_audit"
            ) from None
        self.stdout.write("Done.")

    def _actor(self, account: str | None) -> User | None:
        if not account:
            return None
        found = User.objects.filter(username=account, is_active=True).first()
        if found is None:
            raise CommandError(f"--as: there is no active account {account}")
        return found

    def _say(self, what: str, setting: str, before: Any) -> None:
        kept = f"all stay; {setting} is not set"
        limit = kept if before is None else f"before {before:%Y-%m-%d %H:%M} UTC"
        self.stdout.write(f"{what}: {limit}")

    def _show(self, counts: services.Counts) -> None:
        for name, num in sorted(counts.items()):
            self.stdout.write(f"  {name:<36} {num:>9,}")
        if not counts:
            self.stdout.write("  no old records")
