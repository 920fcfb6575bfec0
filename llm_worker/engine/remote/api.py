"""Request body and response parser of the OpenAI-compatible HTTP API. Pure functions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from llm_worker.engine.prompt import SYSTEM_INSTRUCTION, completion_prompt
from llm_worker.engine.protocol import UNKNOWN_TOKEN


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSettings:
    """What the site sets. Times are in seconds. None: `probe` finds out.

    `base_url` may end in `/v1` or not.
    """

    base_url: str
    model: str
    api_key: str = ""
    num_slots: int = 16
    num_ahead: int = 2  # requests that may wait at the server beyond its slots
    max_context_tokens: int | None = None
    min_context_tokens: int = 0  # of the server; below it no answer fits
    is_chat: bool | None = None
    sends_priority: bool | None = None
    wants_token_ids: bool | None = None
    connect_timeout_seconds: float = 5.0
    first_token_seconds: float = 20.0  # longest silence of the server before a first token
    token_seconds: float = 10.0  # the same between two tokens of one answer
    read_timeout_seconds: float = 60.0  # longest wait of one answer while others go on
    retry_seconds: float = 0.5  # doubles after each failure
    max_failures: int = 3  # consecutive, of one request; one more stops the engine

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How to speak to one server: the address of its API and what it understands.

    Only vLLM knows the fields `priority` (it needs `--scheduling-policy priority` to use it)
    and `return_token_ids`. Other servers may reject a request that has them.
    """

    api_url: str
    is_chat: bool
    sends_priority: bool
    wants_token_ids: bool
    max_context_tokens: int | None = None

    @property
    def url(self) -> str:
        return f"{self.api_url}/{'chat/completions' if self.is_chat else 'completions'}"


def api_urls(base_url: str) -> tuple[str, str]:
    """The two addresses that a site may mean: as given, and with `/v1` added or removed."""
    given = base_url.rstrip("/")
    for path in ("/chat/completions", "/completions", "/models"):
        given = given.removesuffix(path)
    if given.endswith("/v1"):
        return given, given.removesuffix("/v1")
    return f"{given}/v1", given


def assumed_dialect(settings: RemoteSettings) -> Dialect:
    """A vLLM server with a chat template, where the site sets nothing else."""
    return Dialect(
        api_url=api_urls(settings.base_url)[0],
        is_chat=settings.is_chat is not False,
        sends_priority=settings.sends_priority is not False,
        wants_token_ids=settings.wants_token_ids is not False,
        max_context_tokens=settings.max_context_tokens,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One piece of an answer. `end` is set in the last piece."""

    text: str = ""
    token_ids: tuple[int, ...] = ()
    end: Literal["eos", "length"] | None = None


class InvalidResponse(ValueError):
    """The server sent a line that is not a piece of an answer."""


def request_body(
    dialect: Dialect,
    *,
    model: str,
    prompt: str,
    prefix_text: str,
    num_tokens: int,
    priority: int,
) -> dict[str, Any]:
    """JSON body that requests `num_tokens` more tokens after the text `prefix_text`."""
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": num_tokens,
        "temperature": 0,
        "stream": True,
    }
    if dialect.is_chat:
        body["messages"] = [
            {"role": "system", "content": SYSTEM_INSTRUCTION},
            {"role": "user", "content": prompt},
        ]
        if prefix_text:
            body["messages"].append({"role": "assistant", "content": prefix_text})
            body |= {"continue_final_message": True, "add_generation_prompt": False}
    else:
        body["prompt"] = completion_prompt(prompt) + prefix_text
    if dialect.sends_priority:
        body["priority"] = priority
    if dialect.wants_token_ids:
        body["return_token_ids"] = True
    return body


def parse_line(line: str) -> Chunk | None:
    """The piece in one line of the event stream, or None. Raises InvalidResponse."""
    if not line.startswith("data:"):
        return None
    data = line.removeprefix("data:").strip()
    if data == "[DONE]":
        return None
    try:
        content = json.loads(data)
        choices = content.get("choices")
        if "error" in content or choices is None:
            # Not its words: a server may quote the prompt, and reasons are logged.
            raise InvalidResponse("invalid response: the server sent an error in the stream")
        return _chunk(choices[0]) if choices else None
    except (json.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        raise InvalidResponse("invalid response: not a piece of an answer") from error


def _chunk(choice: dict[str, Any]) -> Chunk:
    delta = choice.get("delta") or {}
    text = choice.get("text") or delta.get("content") or ""
    token_ids = choice.get("token_ids")
    ids = tuple(token_ids) if token_ids is not None else (UNKNOWN_TOKEN,) * bool(text)
    finish = choice.get("finish_reason")
    if finish not in (None, "stop", "length"):
        raise InvalidResponse(f"the server ended the answer with {finish!r}")
    if finish == "stop" and token_ids and choice.get("stop_reason") is None:
        ids = ids[:-1]  # without the end-of-sequence token
    end: Literal["eos", "length"] | None = None
    if finish is not None:
        end = "length" if finish == "length" else "eos"
    return Chunk(text=text, token_ids=ids, end=end)
