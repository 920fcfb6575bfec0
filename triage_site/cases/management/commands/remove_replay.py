"""Removes the cases of a replay, where the site itself may not remove records."""

from __future__ import annotations

import uuid
from argparse import ArgumentTypeError
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from scheduling.append_only import NotTheOwner
from scheduling.management.option_types import text
from triage_site.cases import services
from triage_site.cases.models import Replay


def replay_id(value: str) -> uuid.UUID:
    try:
        return uuid.UUID(value)
    except ValueError:
        raise ArgumentTypeError("must be the id in the address of the replay") from None


class Command(BaseCommand):
    help = "Removes all cases of a replay that has ended, with their history and jobs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("replay", type=replay_id, help="its id, as on the page of replays")
        parser.add_argument(
            "--as", dest="account", type=text, help="the account that the audit names"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["account"]
        actor = User.objects.filter(username=name, is_active=True).first() if name else None
        if name and actor is None:
            raise CommandError(f"--as: there is no active account {name}")
        try:
            num = services.remove_replay(options["replay"], actor=actor, now=timezone.now())
        except Replay.DoesNotExist:
            raise CommandError("replay: there is no such replay") from None
        except NotTheOwner as error:
            raise CommandError(f"replay: {error}; run it as the owner of the tables") from None
        except ValueError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{num} cases removed")
