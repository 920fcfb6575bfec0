"""Verifies that no audited row was changed, removed or inserted afterwards."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from scheduling.management.option_types import text
from triage_site.audit.models import AuditSeal
from triage_site.audit.services import seal_all
from triage_site.audit.verification import faults

MAX_SHOWN = 50


class Command(BaseCommand):
    help = "Verifies the chain of seals over all histories. Exit code 1 when anything differs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--head", type=text, help="digest of a seal that you noted earlier")

    def handle(self, *args: Any, **options: Any) -> None:
        found = list(faults((options["head"] or "").strip()))
        for fault in found[:MAX_SHOWN]:
            self.stderr.write(fault)
        if found:
            raise CommandError(f"the audit is damaged: {len(found)} faults")
        while seal_all(timezone.now()):
            pass
        newest = AuditSeal.objects.order_by("-id").first()
        head = newest.digest if newest else "none yet"
        self.stdout.write(f"The audit is intact. Seals: {AuditSeal.objects.count()}. Head: {head}")
