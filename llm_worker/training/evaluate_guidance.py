"""Evaluates the embedded model on cases that are not in its training.

    python -m llm_worker.training.evaluate_guidance [FILE.jsonl ...] [--generated 100]

Without files it uses the handwritten cases and all calls of fixtures/calls. A file has one
case per line: `facts` (as `CaseFacts.to_dict`) and optionally `priority`, `danger_signs` and
`patterns` (the correct complaint groups). A case without `danger_signs` gets them and its
priority from the classifier, as in the product.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

from llm_worker.engine.prompt import completion_prompt
from llm_worker.guard.numbers import unsupported_numbers
from llm_worker.training.guidance_callers import MAX_QUOTED_WORDS
from llm_worker.training.guidance_cases import make_case
from llm_worker.training.guidance_text import (
    CLOSING,
    CONSCIOUSNESS_PHRASES,
    NO_PATTERN,
    brief_of,
    opening,
)
from llm_worker.training.train_guidance import CHECK_SEED, MODEL_FOLDER, load
from scheduling.core.guidance import HEADINGS
from triage_site.triage.brief import NONE_FOUND, build_brief
from triage_site.triage.classify import classify
from triage_site.triage.facts import CaseFacts

HANDWRITTEN: Final = Path(__file__).parent / "handwritten_cases.jsonl"
CALLS: Final = Path(__file__).parents[2] / "fixtures" / "calls"
LENGTH_TOKENS: Final = (40, 250)
MAX_REPEATS: Final = 3  # of any five consecutive words
_READING: Final = re.compile(
    r"^(Respiratory rate|Oxygen saturation|Blood pressure|Systolic blood pressure"
    r"|Diastolic blood pressure|Heart rate|Temperature|Pain): (.*)$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationCase:
    """A case with the brief that the model gets.

    `patterns` are the correct complaint groups, or None where they are unknown.
    """

    facts: CaseFacts
    priority: int
    brief: str
    patterns: tuple[str, ...] | None = None

    @property
    def danger_signs(self) -> tuple[str, ...]:
        """The danger signs in the brief."""
        signs = self.brief.rpartition("Danger signs: ")[2]
        return () if signs == NONE_FOUND else tuple(signs.split("; "))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    text: str
    num_tokens: int
    finished: bool


def write_answers(
    model: Qwen3ForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    briefs: Sequence[str],
    *,
    batch_size: int = 8,
) -> list[Answer]:
    """Greedy answers to `briefs`, in batches of similar length."""
    tokenizer.padding_side = "left"
    generator: Any = model
    order = sorted(range(len(briefs)), key=lambda index: len(briefs[index]))
    answers: dict[int, Answer] = {}
    for at in range(0, len(order), batch_size):
        chosen = order[at : at + batch_size]
        prompts = [completion_prompt(briefs[index]) for index in chosen]
        batch = tokenizer(prompts, return_tensors="pt", padding=True)
        with torch.inference_mode():
            rows = generator.generate(**batch)[:, batch["input_ids"].size(1) :]
        for index, row in zip(chosen, rows.tolist(), strict=True):
            answers[index] = _answer(tokenizer, row)
    return [answers[index] for index in range(len(briefs))]


def _answer(tokenizer: PreTrainedTokenizerFast, row: list[int]) -> Answer:
    finished = tokenizer.eos_token_id in row
    ids = row[: row.index(tokenizer.eos_token_id)] if finished else row
    return Answer(text=str(tokenizer.decode(ids)), num_tokens=len(ids), finished=finished)


def faults(case: EvaluationCase, answer: Answer) -> list[str]:
    """The names of the requirements that an answer does not meet. Empty is good."""
    text, brief = answer.text, case.brief
    checks = {
        "not finished": not answer.finished,
        "headings": not _in_order(text, [f"{heading}:" for heading in HEADINGS]),
        "patient or priority": not text.startswith(
            f"Situation: {opening(case.facts, case.priority)}"
        ),
        "closing": not text.endswith(CLOSING),
        "complaint": not _complaint_quoted(text, brief),
        "wrong mention": not _mentions_correct(text, brief),
        "vitals missing": any(
            _reading_phrase(*pair) not in text.lower() for pair in _readings(brief)
        ),
        "wrong vital sign": bool(_wrong_readings(text, brief)),
        "wrong consciousness": not _consciousness_correct(text, brief),
        "danger signs": not _signs_named(text, case),
        "repeat loop": _most_repeats(text) > MAX_REPEATS,
        "withheld (number)": bool(unsupported_numbers(text, brief)),
        "length": not LENGTH_TOKENS[0] <= answer.num_tokens <= LENGTH_TOKENS[1],
        "pattern": case.patterns is not None and pattern_of(text) not in case.patterns,
    }
    return [name for name, broken in checks.items() if broken]


def pattern_of(text: str) -> str:
    """The complaint group that the guidance names; empty if it says that none fits."""
    situation = text.partition("\n")[0]
    if NO_PATTERN in situation:
        return ""
    return situation.rpartition(" suggest ")[2].rstrip(".")


def _in_order(text: str, parts: Iterable[str]) -> bool:
    at = -1
    for part in parts:
        at = text.find(part, at + 1)
        if at < 0:
            return False
    return True


def _words_of(brief: str) -> str:
    match = re.search(r'^Caller\'s words: "(.*)"$', brief, re.MULTILINE)
    return match[1] if match else ""


def _complaint_quoted(text: str, brief: str) -> bool:
    """Whether the quotation is a part of the caller's words, neither too short nor too long."""
    words = _words_of(brief)
    if not words:
        return '"' not in text
    match = re.search(r'"([^"]*)"', text.partition("\n")[0])
    if not match:
        return False
    quote = match[1].removesuffix(" ...")
    num_words = len(quote.split())
    enough = min(len(words.split()), 5) <= num_words <= MAX_QUOTED_WORDS + 4
    return quote in words and enough


def _mentions_correct(text: str, brief: str) -> bool:
    match = re.search(r"Mentioned: (.*?)\. [A-Z]", text.partition("Assessment:")[0])
    mentions = match[1].split("; ") if match else []
    return all(mention in _words_of(brief) for mention in mentions)


def _consciousness_correct(text: str, brief: str) -> bool:
    """Whether the assessment gives the consciousness of the brief, and no other."""
    readings = text.partition("Assessment:")[2].partition("anger sign")[0].lower()
    match = re.search(r"^Consciousness: (.*)$", brief, re.MULTILINE)
    expected = {match[1]} if match else set()
    return {
        phrase for phrase in CONSCIOUSNESS_PHRASES if re.search(rf"\b{phrase}[,.]", readings)
    } == expected


def _signs_named(text: str, case: EvaluationCase) -> bool:
    named = text.partition("Assessment:")[2].partition("Recommendation:")[0]
    return all(sign in named for sign in case.danger_signs or _abnormal(case.brief))


def _most_repeats(text: str, num_words: int = 5) -> int:
    words = text.split()
    runs = Counter(tuple(words[at : at + num_words]) for at in range(len(words)))
    return max(runs.values(), default=0)


def _readings(brief: str) -> list[tuple[str, str]]:
    return _READING.findall(brief)


def _reading_phrase(label: str, reading: str) -> str:
    return f"{label} {reading}".lower()


def _wrong_readings(text: str, brief: str) -> list[str]:
    """Readings in the assessment that differ from the reading in the brief."""
    known = {label.lower(): _first_number(reading) for label, reading in _readings(brief)}
    assessment = text.partition("Assessment:")[2].partition("Recommendation:")[0].lower()
    wrong = []
    for label in ("respiratory rate", "oxygen saturation", "heart rate", "temperature", "pain"):
        for number in re.findall(rf"\b{label} (\d[\d./]*\d|\d)", assessment):
            if known.get(label) != number:
                wrong.append(f"{label} {number}")
    for number in re.findall(r"\bblood pressure (\d+(?:/\d+)?)", assessment):
        if number not in {value for label, value in known.items() if "blood pressure" in label}:
            wrong.append(f"blood pressure {number}")
    return wrong


def _first_number(reading: str) -> str:
    match = re.match(r"\d[\d./]*", reading)
    return match.group() if match else ""


def _abnormal(brief: str) -> list[str]:
    marked = [(label, re.search(r"\((very .*)\)$", reading)) for label, reading in _readings(brief)]
    return [f"{match[1]} {label.lower()}" for label, match in marked if match]


def generated_cases(count: int, seed: int = CHECK_SEED + 1) -> list[EvaluationCase]:
    """Cases from the training generator, with a seed that training does not use."""
    rng = random.Random(seed)
    cases = [make_case(rng) for _ in range(count)]
    return [
        EvaluationCase(
            facts=case.facts,
            priority=case.priority,
            brief=brief_of(case),
            patterns=(case.complaint.label if case.complaint else "",),
        )
        for case in cases
    ]


def cases_of_file(path: Path) -> list[EvaluationCase]:
    """Cases of a JSONL file. Raises ValueError with the number of an invalid line."""
    cases = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            cases.append(_case_of_row(json.loads(line)))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}, line {number}: {error}") from error
    return cases


def _case_of_row(row: dict[str, Any]) -> EvaluationCase:
    facts = CaseFacts.from_dict(row["facts"])
    suggestion = classify(facts)
    priority, signs = suggestion.priority, suggestion.danger_signs
    if "danger_signs" in row:
        priority, signs = int(row.get("priority", 2)), tuple(row["danger_signs"])
    return EvaluationCase(
        facts=facts,
        priority=priority,
        brief=build_brief(
            facts, priority=priority, danger_signs=signs, complaint=suggestion.complaint
        ),
        patterns=tuple(row["patterns"]) if "patterns" in row else None,
    )


@dataclass(frozen=True, slots=True)
class Report:
    """The answers to the cases of one source, each with its faults."""

    name: str
    details: list[tuple[EvaluationCase, Answer, list[str]]]
    seconds: float

    def row(self, fault: str) -> str:
        """Share and number of the cases with that fault."""
        count = sum(fault in found for _, _, found in self.details)
        return f"{count / len(self.details):.1%} ({count})"

    def lines(self) -> list[str]:
        """A heading and a list of figures, in Markdown."""
        num_cases = len(self.details)
        lengths = sorted(answer.num_tokens for _, answer, _ in self.details)
        good = sum(not set(found) - {"pattern"} for _, _, found in self.details)
        quantiles = "/".join(str(lengths[int(q * (num_cases - 1))]) for q in (0, 0.5, 0.9, 1))
        counts = Counter(fault for _, _, found in self.details for fault in found)
        head = (
            f"**{self.name}**: {num_cases} cases, {good / num_cases:.1%} without fault; "
            f"{quantiles} tokens (least, middle, p90, most); "
            f"{sum(lengths) / self.seconds:,.0f} tokens/s"
        )
        return [
            head,
            *(f"* {fault}: {self.row(fault)}" for fault, _ in counts.most_common()),
            "",
        ]


def report(
    name: str,
    cases: list[EvaluationCase],
    model: Qwen3ForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
) -> Report:
    started = time.perf_counter()
    answers = write_answers(model, tokenizer, [case.brief for case in cases])
    seconds = time.perf_counter() - started
    found = [faults(case, answer) for case, answer in zip(cases, answers, strict=True)]
    return Report(name, list(zip(cases, answers, found, strict=True)), seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--generated", type=int, default=100)
    parser.add_argument("--limit", type=int, default=None, help="cases of each file")
    parser.add_argument("--model", type=Path, default=MODEL_FOLDER)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--show", type=int, default=0, help="print this many answers per source")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    tokenizer, model = load(options.model)
    sources = [("generated", generated_cases(options.generated))] if options.generated else []
    files = options.files or [HANDWRITTEN, *sorted(CALLS.glob("*.jsonl"))]
    sources += [(path.stem, cases_of_file(path)[: options.limit]) for path in files]
    for name, cases in sources:
        made = report(name, cases, model, tokenizer)
        print("\n".join(made.lines()), flush=True)
        worst = sorted(made.details, key=lambda detail: -len(detail[2]))[: options.show]
        for case, answer, broken in worst:
            print(f"--- {broken}\n{case.brief}\n>>>\n{answer.text}\n")


if __name__ == "__main__":
    main()
