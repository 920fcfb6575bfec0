"""Rebuilds the queue in Redis from SQL."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import redis
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from scheduling.services import reconcile


class Command(BaseCommand):
    help = "Rebuilds the queue in Redis from SQL. Safe at any time; a second run changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = reconcile(now=timezone.now())
        except redis.RedisError as error:
            raise CommandError(f"REDIS_URL: cannot be reached ({type(error).__name__})") from None
        if options["json"]:
            self.stdout.write(json.dumps(asdict(result)))
        else:
            self.stdout.write(
                f"added {result.added}, removed {result.removed}, corrected {result.updated}, "
                f"returned {result.returned} jobs without a worker to waiting"
            )
