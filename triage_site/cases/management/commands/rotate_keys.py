"""Writes again, with the present SECRET_KEY, what was written with an old one."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from triage_site.cases.key_rotation import rotate


class Command(BaseCommand):
    help = (
        "Run it after a change of SECRET_KEY, with the old key in SECRET_KEY_FALLBACKS. Afterwards "
        "authenticator apps and API tokens need the old key no more."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        done = rotate()
        self.stdout.write(
            f"{done.num_apps} authenticator apps and {done.num_tokens} API tokens now need the "
            "present SECRET_KEY alone."
        )
        if done.unreadable:
            raise CommandError(
                "SECRET_KEY_FALLBACKS: lacks the key of the authenticator apps of "
                f"{', '.join(done.unreadable)}. Add it, or use `manage.py account NAME "
                "--reset-second-factor`."
            )
