"""Creates the demo accounts and prints them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from triage_site.cases.demo import ensure_demo_accounts


class Command(BaseCommand):
    help = "Creates the demo accounts (demo mode only) and prints names, passwords, API tokens."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            accounts = ensure_demo_accounts()
        except PermissionError as error:
            raise CommandError(str(error)) from None
        self.stdout.write("demo accounts (research and demonstration, not for clinical use):")
        for account in accounts:
            self.stdout.write(
                f"  {account.username:<10} password {account.password:<15} "
                f"role {account.role:<12} API token {account.token}"
            )
