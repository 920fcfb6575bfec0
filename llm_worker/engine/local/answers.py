"""The open answers of the local engine, and the events that the library's output becomes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

from transformers.generation.continuous_batching.requests import GenerationOutput, RequestStatus

from llm_worker.engine.local.detokenise import TextStream
from llm_worker.engine.protocol import EngineJob, Event, Failed, Finished, Started, TokensOut
from llm_worker.engine.rate import Rate

Output = GenerationOutput | Started  # from the loop, with the ids of the library


@dataclass(slots=True)
class Answer:
    """One open answer with the tokens that `events` returned so far.

    `library_id` is new for every attempt: a released job may return before the library has
    cancelled it, and late output of the old attempt must not count for the new one.
    """

    job: EngineJob
    library_id: str
    num_prefix_tokens: int
    token_ids: list[int]
    text: str
    stream: TextStream = field(repr=False)

    def append_new_tokens(self, output: GenerationOutput) -> tuple[int, ...]:
        """Appends the tokens of `output` that this answer lacks, and returns them."""
        known = len(self.token_ids) - self.num_prefix_tokens
        new = tuple(output.generated_tokens[known:])
        self.token_ids.extend(new)
        return new

    def finished(self, reason: Literal["eos", "length"]) -> Finished:
        return Finished(
            id=self.job.id, text=self.text, token_ids=tuple(self.token_ids), reason=reason
        )


class OpenAnswers:
    """The open answers, by job id and by library id."""

    def __init__(self, tokenizer: Any, eos_ids: frozenset[int]) -> None:
        self._tokenizer = tokenizer
        self._eos_ids = eos_ids
        self._numbers = count()
        self._answers: dict[str, Answer] = {}
        self._job_ids: dict[str, str] = {}
        self.rate = Rate()

    def __len__(self) -> int:
        return len(self._answers)

    def library_ids(self) -> list[str]:
        return list(self._job_ids)

    def get(self, job_id: str) -> Answer | None:
        return self._answers.get(job_id)

    def new(self, job: EngineJob, prefix_ids: list[int]) -> Answer:
        stream = TextStream(self._tokenizer)
        text = stream.push(prefix_ids)
        return Answer(
            job=job,
            library_id=f"{job.id}#{next(self._numbers)}",
            num_prefix_tokens=len(prefix_ids),
            token_ids=prefix_ids,
            text=job.prefix_text or text,
            stream=stream,
        )

    def add(self, answer: Answer) -> None:
        self._answers[answer.job.id] = answer
        self._job_ids[answer.library_id] = answer.job.id

    def remove(self, answer: Answer) -> None:
        del self._answers[answer.job.id], self._job_ids[answer.library_id]

    def clear(self) -> None:
        self._answers.clear()
        self._job_ids.clear()

    def to_events(
        self, outputs: Iterable[Output], now: float, *, is_alive: Callable[[], bool]
    ) -> Iterator[Event]:
        """The events for `outputs` of the loop. Skips output that belongs to no open answer."""
        latest: dict[str, GenerationOutput] = {}  # each output repeats all earlier tokens
        for output in outputs:
            if not isinstance(output, Started):
                latest[output.request_id] = output
            elif (job_id := self._job_ids.get(output.id)) is not None:
                yield Started(id=job_id)
        for library_id, output in latest.items():
            job_id = self._job_ids.get(library_id)
            if job_id is None:
                continue
            if output.status != RequestStatus.FAILED:
                yield from self._progress(self._answers[job_id], output, now)
            elif is_alive():  # when the loop fails, all requests fail with it
                self.remove(self._answers[job_id])
                yield Failed(id=job_id, reason=output.error or "unknown reason")

    def _progress(self, answer: Answer, output: GenerationOutput, now: float) -> Iterator[Event]:
        new = answer.append_new_tokens(output)
        self.rate.add(len(new), now)
        ended_by_model = bool(new) and new[-1] in self._eos_ids
        if ended_by_model:
            answer.token_ids.pop()
            new = new[:-1]
        has_ended = output.status == RequestStatus.FINISHED
        text = answer.stream.push(new) + (answer.stream.flush() if has_ended else "")
        answer.text += text
        if new or text:
            yield TokensOut(
                id=answer.job.id,
                text_delta=text,
                token_ids=new,
                num_generated=len(answer.token_ids),
            )
        if has_ended:
            self.remove(answer)
            yield answer.finished("eos" if ended_by_model else "length")
