"""Request body and response parser of the OpenAI-compatible HTTP API. Pure functions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from llm_worker.engine.prompt import SYSTEM_INSTRUCTION, completion_prompt
from llm_worker.engine.protocol import UNKNOWN_TOKEN


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSettings:
    """`base_url` is the address without `/chat/completions`. Times are in seconds.

    `is_vllm` adds two fields that only vLLM accepts: `priority` (the server needs
    `--scheduling-policy priority`) and `return_token_ids`. Other servers may reject them.
    """

    base_url: str
    model: str
    api_key: str = ""
    num_slots: int = 16
    max_context_tokens: int | None = None
    is_chat: bool = True
    is_vllm: bool = True
    connect_timeout_seconds: float = 5.0
    read_timeout_seconds: float = 60.0  # longest wait for the next token
    retry_seconds: float = 0.5  # doubles after each failure
    max_failures: int = 3  # consecutive, of one request; one more stops the engine

    @property
    def url(self) -> str:
        path = "chat/completions" if self.is_chat else "completions"
        return f"{self.base_url.rstrip('/')}/{path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One piece of an answer. `end` is set in the last piece."""

    text: str = ""
    token_ids: tuple[int, ...] = ()
    end: Literal["eos", "length"] | None = None


class InvalidResponse(ValueError):
    """The server sent a line that is not a piece of an answer."""


def request_body(
    settings: RemoteSettings, *, prompt: str, prefix_text: str, num_tokens: int, priority: int
) -> dict[str, Any]:
    """JSON body that requests `num_tokens` more tokens after the text `prefix_text`."""
    body: dict[str, Any] = {
        "model": settings.model,
        "max_tokens": num_tokens,
        "temperature": 0,
        "stream": True,
    }
    if settings.is_chat:
        body["messages"] = [
            {"role": "system", "content": SYSTEM_INSTRUCTION},
            {"role": "user", "content": prompt},
        ]
        if prefix_text:
            body["messages"].append({"role": "assistant", "content": prefix_text})
            body |= {"continue_final_message": True, "add_generation_prompt": False}
    else:
        body["prompt"] = completion_prompt(prompt) + prefix_text
    if settings.is_vllm:
        body |= {"priority": priority, "return_token_ids": True}
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
            raise InvalidResponse(f"the server sent an error: {data[:200]}")
        return _chunk(choices[0]) if choices else None
    except (json.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        raise InvalidResponse(f"invalid response: {data[:200]}") from error


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
