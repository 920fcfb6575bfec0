"""Evaluates the guidance of the embedded model on cases that are not in its training.

`python manage.py evaluate_guidance` runs it. Without files it uses the handwritten cases, the
hard notes and all calls of fixtures/calls. A file has one case per line: `facts` (as
`CaseFacts.to_dict`) and optionally `priority` with `danger_signs`, and `must` and `must_not`,
regular expressions for the text outside quotations. A case without `danger_signs` gets them and
its priority from the classifier, as in the product. Text is written by the engine of the product
and judged twice: by the guard, and by checks that share no code with it.
"""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

from llm_worker.engine.local.constrained import form_of
from llm_worker.engine.local.encoding import prompt_encoder
from llm_worker.engine.local.engine import LocalEngine
from llm_worker.engine.local.settings import EngineSettings
from llm_worker.engine.protocol import EngineFailed, EngineJob, Failed, Finished
from llm_worker.guard.whole import fault_of
from llm_worker.training.guidance_cases import TrainingCase, make_case
from llm_worker.training.guidance_faults import CONTRADICTIONS, Answer, EvaluationCase, faults
from llm_worker.training.guidance_text import brief_of
from llm_worker.training.train_guidance import CHECK_SEED
from scheduling.core.guidance import Withheld
from scheduling.core.request import Request
from scheduling.files import parse_json, read_text
from triage_site.triage.brief import build_brief
from triage_site.triage.classify import classify
from triage_site.triage.facts import CaseFacts

HANDWRITTEN: Final = Path(__file__).parent / "handwritten_cases.jsonl"
HARD_NOTES: Final = Path(__file__).parent / "hard_notes.jsonl"
GOAL: Final = 0.97  # share without fault
MAX_NEW_TOKENS: Final = 400
NUM_SLOTS: Final = 16
MAX_CONTEXT_TOKENS: Final = 1_900
CALLS: Final = Path(__file__).parents[2] / "fixtures" / "calls"


def write_answers(
    model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast, briefs: Sequence[str]
) -> list[Answer]:
    """Answers to `briefs` from the engine of the product. Raises RuntimeError if it fails."""
    engine = LocalEngine(
        model.eval(),
        tokenizer,
        encode=prompt_encoder(tokenizer),
        clock=time.time,
        settings=EngineSettings.for_device(
            "cpu", num_slots=NUM_SLOTS, max_context_tokens=MAX_CONTEXT_TOKENS
        ),
        form=form_of(tokenizer, model.config.vocab_size),
    )
    engine.start()
    try:
        for number, brief in enumerate(briefs):
            engine.add(_job(number, brief))
        return _answers(engine, len(briefs))
    finally:
        engine.stop()


def _job(number: int, brief: str) -> EngineJob:
    request = Request(
        id=str(number),
        arrival_seconds=float(number),
        priority=2,
        prompt_tokens=len(brief),
        predicted_tokens=150,
    )
    return EngineJob(request=request, prompt=brief, max_new_tokens=MAX_NEW_TOKENS)


def _answers(engine: LocalEngine, num: int) -> list[Answer]:
    done: dict[int, Answer] = {}
    while len(done) < num:
        for event in engine.events(1.0):
            if isinstance(event, EngineFailed | Failed):
                raise RuntimeError(event.reason)
            if isinstance(event, Finished):
                num_tokens, ended = len(event.token_ids), event.reason == "eos"
                done[int(event.id)] = Answer(event.text, num_tokens, ended)
    return [done[number] for number in range(num)]


def withheld(case: EvaluationCase, answer: Answer) -> Withheld | None:
    """Why the guard withholds the answer, if it does."""
    return fault_of(answer.text, case.brief)


def _drawn(rng: random.Random) -> Iterator[TrainingCase]:
    while True:
        yield make_case(rng)


def _can_be(case: TrainingCase) -> bool:
    """Training draws any value beside any level; nobody who does not breathe has a milder one."""
    return case.priority == 0 or case.facts.value("rr_bpm") != 0


def generated_cases(count: int, seed: int = CHECK_SEED + 1) -> list[EvaluationCase]:
    """Cases from the training generator, with a seed that training does not use."""
    rng = random.Random(seed)
    cases = islice((case for case in _drawn(rng) if _can_be(case)), count)
    return [
        EvaluationCase(
            facts=case.facts,
            priority=case.priority,
            brief=brief_of(case),
        )
        for case in cases
    ]


def cases_of_file(path: Path) -> list[EvaluationCase]:
    """Cases of a JSONL file. Raises ValueError with the number of an invalid line."""
    cases = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        try:
            cases.append(_case_of_row(parse_json(line)))
        except (ValueError, KeyError, TypeError, re.error) as error:
            raise ValueError(f"{path}, line {number}: {error}") from error
    if not cases:
        raise ValueError(f"{path}: holds no case")
    return cases


def _case_of_row(row: dict[str, Any]) -> EvaluationCase:
    facts = CaseFacts.from_dict(row["facts"])
    suggestion = classify(facts)
    priority, signs = suggestion.priority, suggestion.danger_signs
    if "danger_signs" in row:
        priority, signs = int(row.get("priority", 2)), tuple(row["danger_signs"])
    if not all(isinstance(sign, str) for sign in signs):
        raise ValueError("danger_signs: must be texts")
    must, must_not = tuple(row.get("must", ())), tuple(row.get("must_not", ()))
    for pattern in (*must, *must_not):
        re.compile(pattern)
    return EvaluationCase(
        facts=facts,
        priority=priority,
        brief=build_brief(
            facts,
            priority=priority,
            danger_signs=signs,
            complaint=suggestion.complaint,
            complaint_words=suggestion.complaint_words,
        ),
        must=must,
        must_not=must_not,
    )


@dataclass(frozen=True, slots=True)
class Judged:
    """`withheld` is the reason of the guard; `faults` are those of the text, shown or not."""

    case: EvaluationCase
    answer: Answer
    withheld: Withheld | None
    faults: list[str]

    @property
    def is_good(self) -> bool:
        """Shown without a fault, or refused because the script of the note is not supported."""
        return self.withheld is Withheld.NOT_READ or not (self.withheld or self.faults)

    @property
    def is_shown_contradiction(self) -> bool:
        return self.withheld is None and bool(CONTRADICTIONS & set(self.faults))


@dataclass(frozen=True, slots=True)
class Report:
    """The answers to the cases of one source."""

    name: str
    judged: list[Judged]
    seconds: float

    @property
    def num_good(self) -> int:
        return sum(each.is_good for each in self.judged)

    @property
    def num_shown_contradictions(self) -> int:
        return sum(each.is_shown_contradiction for each in self.judged)

    def lines(self) -> list[str]:
        """A heading and a list of figures, in Markdown."""
        num = len(self.judged)
        lengths = sorted(each.answer.num_tokens for each in self.judged)
        quantiles = "/".join(str(lengths[int(q * (num - 1))]) for q in (0, 0.5, 0.9, 1))
        counts = Counter(f"withheld: {each.withheld}" for each in self.judged if each.withheld)
        for each in self.judged:
            counts.update(each.faults if each.withheld is None else ())
        head = (
            f"**{self.name}**: {num} cases, {self.num_good / num:.1%} without fault, "
            f"{self.num_shown_contradictions} shown with a contradiction; {quantiles} tokens "
            f"(least, middle, p90, most); {sum(lengths) / self.seconds:,.0f} tokens/s"
        )
        return [
            head,
            *(f"* {fault}: {count} ({count / num:.1%})" for fault, count in counts.most_common()),
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
    pairs = zip(cases, answers, strict=True)
    judged = [Judged(one, got, withheld(one, got), faults(one, got)) for one, got in pairs]
    return Report(name, judged, seconds)


Source = tuple[str, list[EvaluationCase]]


def sources(files: Sequence[Path], num_generated: int) -> Iterator[Source]:
    """The names and cases to evaluate."""
    if num_generated:
        yield "generated", generated_cases(num_generated)
    for path in [HANDWRITTEN, HARD_NOTES, *sorted(CALLS.glob("*.jsonl")), *files]:
        yield path.stem, cases_of_file(path)
