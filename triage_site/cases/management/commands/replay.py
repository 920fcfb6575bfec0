"""Sends a file of calls through the HTTP API and prints the waiting times per level."""

from __future__ import annotations

import json
from typing import Any

import httpx
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from scheduling.core.policies import POLICIES
from scheduling.management.option_types import ascii_text, number, path, web_address
from triage_site.cases.calls import CallsFileError, load_calls
from triage_site.cases.demo import demo_token
from triage_site.cases.replay import Replay, ReplayError, summarise

speed = number(0, 100_000, above=True, words="above 0 and at most 100000")


class Command(BaseCommand):
    help = "Sends a file of calls through the HTTP API of a running site."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=path, help="fixtures/calls/city_day.jsonl, for example")
        parser.add_argument(
            "--speed", type=speed, default=1.0, help="60 replays an hour in a minute"
        )
        parser.add_argument("--policy", choices=sorted(POLICIES), help="policy during the replay")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--url", type=web_address, default=f"http://127.0.0.1:{settings.PORT}")
        parser.add_argument(
            "--token",
            type=ascii_text,
            help="API token; by default the demo charge nurse of this installation",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            calls = load_calls(options["file"])
        except CallsFileError as error:
            raise CommandError(str(error), returncode=2) from None
        token = options["token"] or demo_token("nurse")
        if not token:
            raise CommandError("--token: required (no demo accounts in DATA_DIR)", returncode=2)
        with httpx.Client(
            base_url=f"{options['url']}/api/v1/",
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        ) as client:
            try:
                summary = self._replay(client, calls, options)
            except ReplayError as error:
                raise CommandError(str(error)) from None
        if options["json"]:
            self.stdout.write(json.dumps(summary))
        else:
            _print_table(summary)

    def _replay(self, client: httpx.Client, calls: Any, options: dict[str, Any]) -> dict[str, Any]:
        replay = Replay(client=client, calls=calls, speed=options["speed"])
        before = replay.request("GET", "policy")["policy"]
        policy = options["policy"] or before
        _switch(replay, before, policy, "replay started")
        try:
            with _bar(len(calls), quiet=options["json"]) as progress:
                sent = progress.add_task("sent", total=len(calls))
                ended = progress.add_task("ended", total=len(calls))

                def show(num_sent: int, num_ended: int) -> None:
                    progress.update(sent, completed=num_sent)
                    progress.update(ended, completed=num_ended)

                replay.progress = show
                outcomes = replay.run()
        finally:
            _switch(replay, policy, before, "replay ended")
        return {"policy": policy, "speed": options["speed"], **summarise(outcomes)}


def _switch(replay: Replay, old: str, new: str, reason: str) -> None:
    if old != new:
        replay.request("POST", "policy", {"policy": new, "reason": reason})


def _bar(total: int, *, quiet: bool) -> Progress:
    columns = (TextColumn("{task.description:>5}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), disable=quiet)


def _print_table(summary: dict[str, Any]) -> None:
    table = Table(title=f"Policy {summary['policy']}: real seconds until the start of guidance")
    for column in ("priority", "cases", "done", "failed", "mean", "p50", "p90", "longest", "ready"):
        table.add_column(column, justify="right")
    rows = [*summary["by_priority"].items(), ("all", summary["overall"])]
    keys = ("wait_mean", "wait_p50", "wait_p90", "wait_max", "response_mean")
    for name, row in rows:
        seconds = ("-" if row[key] is None else f"{row[key]:.2f}" for key in keys)
        table.add_row(name, str(row["count"]), str(row["done"]), str(row["failed"]), *seconds)
    Console().print(table)
