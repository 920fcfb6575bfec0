"""Hold the embedded model to its promises on cases that it has never seen.

    python -m llm_worker.training.evaluate_guidance [FILE.jsonl ...] [--generated 100]

A file has one case per line: `facts` (as `CaseFacts.to_dict`), optionally `priority` or
`expected_priority`, `danger_signs` and `patterns` (complaint groups that would be right).
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

from llm_worker.facts import CaseFacts
from llm_worker.prompting import build_brief, completion_prompt, unsupported_numbers
from llm_worker.training.guidance_cases import make_case
from llm_worker.training.guidance_text import CLOSING, HEADINGS, NO_PATTERN
from llm_worker.training.train_guidance import CHECK_SEED, MODEL_FOLDER, load

HANDWRITTEN: Final = Path(__file__).parent / "handwritten_cases.jsonl"
LENGTH_TOKENS: Final = (40, 250)
_READING: Final = re.compile(
    r"^(Respiratory rate|Oxygen saturation|Blood pressure|Systolic blood pressure"
    r"|Diastolic blood pressure|Heart rate|Temperature|Pain): (.*)$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A brief and, where a person wrote it down, the complaint groups that would be right."""

    brief: str
    patterns: tuple[str, ...] | None = None
    danger_signs: tuple[str, ...] = ()


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
    """Greedy answers, as the folder's generation settings say, in batches of like length."""
    tokenizer.padding_side = "left"
    order = sorted(range(len(briefs)), key=lambda index: len(briefs[index]))
    answers: dict[int, Answer] = {}
    for at in range(0, len(order), batch_size):
        chosen = order[at : at + batch_size]
        prompts = [completion_prompt(briefs[index]) for index in chosen]
        batch = tokenizer(prompts, return_tensors="pt", padding=True)
        with torch.inference_mode():
            rows = model.generate(**batch)[:, batch["input_ids"].size(1) :]
        for index, row in zip(chosen, rows.tolist(), strict=True):
            answers[index] = _answer(tokenizer, row)
    return [answers[index] for index in range(len(briefs))]


def _answer(tokenizer: PreTrainedTokenizerFast, row: list[int]) -> Answer:
    finished = tokenizer.eos_token_id in row
    ids = row[: row.index(tokenizer.eos_token_id)] if finished else row
    return Answer(text=tokenizer.decode(ids), num_tokens=len(ids), finished=finished)


def faults(asked: Asked, answer: Answer) -> list[str]:
    """Names of the promises that an answer breaks; empty is good."""
    text, brief = answer.text, asked.brief
    checks = {
        "not finished": not answer.finished,
        "headings": not _in_order(text, [f"{heading}:" for heading in HEADINGS]),
        "closing": not text.endswith(CLOSING),
        "complaint": not _complaint_quoted(text, brief),
        "vitals missing": any(_spoken(*pair) not in text.lower() for pair in _readings(brief)),
        "vitals of another": bool(_foreign_readings(text, brief)),
        "danger signs": any(sign not in text for sign in asked.danger_signs),
        "abnormal unnamed": any(sign not in text for sign in _abnormal(brief)),
        "invented number": bool(unsupported_numbers(text, brief)),
        "length": not LENGTH_TOKENS[0] <= answer.num_tokens <= LENGTH_TOKENS[1],
        "pattern": asked.patterns is not None and pattern_of(text) not in asked.patterns,
    }
    return [name for name, broken in checks.items() if broken]


def pattern_of(text: str) -> str:
    """The complaint group that a guidance names; empty where it says that none fits."""
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
    """The quotation is a stretch of this caller's own words, long enough to be told by."""
    words = _words_of(brief)
    if not words:
        return '"' not in text
    match = re.search(r'"([^"]*)"', text.partition("\n")[0])
    if not match:
        return False
    quote = match[1].removesuffix(" ...")
    return quote in words and len(quote.split()) >= min(len(words.split()), 5)


def _readings(brief: str) -> list[tuple[str, str]]:
    return _READING.findall(brief)


def _spoken(label: str, reading: str) -> str:
    return f"{label} {reading}".lower()


def _foreign_readings(text: str, brief: str) -> list[str]:
    """Readings in the assessment whose number is not this case's number for that vital."""
    known = {label.lower(): _first_number(reading) for label, reading in _readings(brief)}
    assessment = text.partition("Assessment:")[2].partition("Recommendation:")[0].lower()
    foreign = []
    for label in ("respiratory rate", "oxygen saturation", "heart rate", "temperature", "pain"):
        for number in re.findall(rf"\b{label} (\d[\d./]*\d|\d)", assessment):
            if known.get(label) != number:
                foreign.append(f"{label} {number}")
    for number in re.findall(r"\bblood pressure (\d+(?:/\d+)?)", assessment):
        if number not in {value for label, value in known.items() if "blood pressure" in label}:
            foreign.append(f"blood pressure {number}")
    return foreign


def _first_number(reading: str) -> str:
    match = re.match(r"\d[\d./]*", reading)
    return match.group() if match else ""


def _abnormal(brief: str) -> list[str]:
    marked = [(label, re.search(r"\((very .*)\)$", reading)) for label, reading in _readings(brief)]
    return [f"{match[1]} {label.lower()}" for label, match in marked if match]


def generated_cases(count: int, seed: int = CHECK_SEED + 1) -> list[Asked]:
    """Unseen cases of the training text's own kind."""
    rng = random.Random(seed)
    cases = [make_case(rng) for _ in range(count)]
    return [
        Asked(
            brief=build_brief(case.facts, priority=case.priority, danger_signs=case.danger_signs),
            patterns=(case.complaint.label if case.complaint else "",),
            danger_signs=case.danger_signs,
        )
        for case in cases
    ]


def cases_of_file(path: Path) -> list[Asked]:
    """Cases of a JSONL file. Raises ValueError naming the line that is not one."""
    asked = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            asked.append(_asked(json.loads(line)))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}, line {number}: {error}") from error
    return asked


def _asked(row: dict[str, Any]) -> Asked:
    facts = CaseFacts.from_dict(row["facts"])
    priority = int(row.get("priority", row.get("expected_priority", 2)))
    signs = tuple(row.get("danger_signs", ()))
    patterns = tuple(row["patterns"]) if "patterns" in row else None
    brief = build_brief(facts, priority=priority, danger_signs=signs)
    return Asked(brief=brief, patterns=patterns, danger_signs=signs)


def report(
    name: str, cases: list[Asked], model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast
) -> list[tuple[Asked, Answer, list[str]]]:
    """Writes all answers, prints the rates of broken promises, and returns the details."""
    started = time.perf_counter()
    answers = write_answers(model, tokenizer, [case.brief for case in cases])
    seconds = time.perf_counter() - started
    found = [faults(case, answer) for case, answer in zip(cases, answers, strict=True)]
    counts = Counter(fault for faults_of_one in found for fault in faults_of_one)
    lengths = sorted(answer.num_tokens for answer in answers)
    good = sum(not set(faults_of_one) - {"pattern"} for faults_of_one in found)
    print(
        f"{name}: {len(cases)} cases, {good / len(cases):.1%} without fault; tokens "
        f"{lengths[0]}/{lengths[len(lengths) // 2]}/{lengths[-1]} (least, middle, most), "
        f"{sum(lengths) / seconds:,.0f} tokens/s"
    )
    for fault, count in counts.most_common():
        print(f"  {fault}: {count} ({count / len(cases):.1%})")
    return list(zip(cases, answers, found, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, default=[HANDWRITTEN])
    parser.add_argument("--generated", type=int, default=80)
    parser.add_argument("--limit", type=int, default=None, help="cases of each file")
    parser.add_argument("--model", type=Path, default=MODEL_FOLDER)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--show", type=int, default=0, help="print this many answers per source")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    tokenizer, model = load(options.model)
    sources = [("generated", generated_cases(options.generated))] if options.generated else []
    sources += [(path.stem, cases_of_file(path)[: options.limit]) for path in options.files]
    for name, cases in sources:
        details = report(name, cases, model, tokenizer)
        details.sort(key=lambda detail: -len(detail[2]))
        for asked, answer, broken in details[: options.show]:
            print(f"--- {broken}\n{asked.brief}\n>>>\n{answer.text}\n")


if __name__ == "__main__":
    main()
