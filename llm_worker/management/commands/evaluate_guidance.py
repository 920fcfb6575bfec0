"""Writes guidance with the embedded model and prints the share without fault, by kind of fault."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import torch
from django.core.management.base import BaseCommand, CommandError

from llm_worker.training.evaluate_guidance import GOAL, Report, report, sources
from llm_worker.training.train_guidance import MODEL_FOLDER, load


class Command(BaseCommand):
    help = (
        "Evaluates the guidance of the embedded model on handwritten cases, hard notes, all calls "
        "of fixtures/calls and given files. Fails below the goal."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--file", type=Path, action="append", default=[], help="JSON lines")
        parser.add_argument("--generated", type=int, default=100, help="cases of the generator")
        parser.add_argument("--limit", type=int, default=None, help="cases of each source")
        parser.add_argument("--model", type=Path, default=MODEL_FOLDER)
        parser.add_argument("--threads", type=int, default=1)
        parser.add_argument("--show", type=int, default=0, help="faulty answers of each source")

    def handle(self, *args: Any, **options: Any) -> None:
        torch.set_num_threads(options["threads"])
        tokenizer, model = load(options["model"])
        reports = []
        try:
            for name, cases in sources(options["file"], options["generated"]):
                made = report(name, cases[: options["limit"]], model, tokenizer)
                self._print(made, options["show"])
                reports.append(made)
        except (OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        self._conclude(reports)

    def _print(self, made: Report, num_shown: int) -> None:
        self.stdout.write("\n".join(made.lines()))
        for each in [each for each in made.judged if not each.is_good][:num_shown]:
            said = [*([f"withheld: {each.withheld}"] if each.withheld else []), *each.faults]
            self.stdout.write(f"--- {said}\n{each.case.brief}\n>>>\n{each.answer.text}\n")

    def _conclude(self, reports: list[Report]) -> None:
        num = sum(len(made.judged) for made in reports)
        good = sum(made.num_good for made in reports) / num
        shown = sum(made.num_shown_contradictions for made in reports)
        words = f"{num} cases: {good:.1%} without fault, {shown} shown with a contradiction"
        self.stdout.write(words)
        if good < GOAL or shown:
            raise CommandError(f"The goal is {GOAL:.0%} without fault and 0 contradictions.")
