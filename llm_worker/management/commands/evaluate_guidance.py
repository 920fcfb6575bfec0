"""Writes guidance with the embedded model and prints the share without fault, by kind of fault."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import torch
from django.core.management.base import BaseCommand, CommandError
from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

from llm_worker.training.evaluate_guidance import GOAL, Report, report, sources
from llm_worker.training.train_guidance import MODEL_FOLDER, load
from scheduling.management.option_types import path, whole

MAX_CASES = 100_000


class Command(BaseCommand):
    help = (
        "Evaluates the guidance of the embedded model on handwritten cases, hard notes, all calls "
        "of fixtures/calls and given files. Fails below the goal."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        some = whole(0, MAX_CASES)
        limit = whole(1, MAX_CASES)
        parser.add_argument("--file", type=path, action="append", default=[], help="JSON lines")
        parser.add_argument("--generated", type=some, default=100, help="cases of the generator")
        parser.add_argument("--limit", type=limit, default=None, help="cases of each source")
        parser.add_argument("--model", type=path, default=MODEL_FOLDER)
        parser.add_argument("--threads", type=whole(1, 256), default=1)
        parser.add_argument("--show", type=some, default=0, help="faulty answers of each source")

    def handle(self, *args: Any, **options: Any) -> None:
        torch.set_num_threads(options["threads"])
        try:
            found = list(sources(options["file"], options["generated"]))
        except ValueError as error:
            raise CommandError(str(error), returncode=2) from None
        tokenizer, model = self._model(options["model"])
        reports = []
        for name, cases in found:
            made = report(name, cases[: options["limit"]], model, tokenizer)
            self._print(made, options["show"])
            reports.append(made)
        self._conclude(reports)

    def _model(self, folder: Path) -> tuple[PreTrainedTokenizerFast, Qwen3ForCausalLM]:
        if not folder.is_dir():  # any other name would be looked for on the hub
            raise CommandError(f"--model: {folder}: is no folder", returncode=2)
        try:
            return load(folder)
        except Exception as error:  # libraries raise many kinds for damaged files
            said = f"--model: {folder}: cannot be loaded ({type(error).__name__})"
            raise CommandError(said, returncode=2) from None

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
