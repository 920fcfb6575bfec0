"""The OpenAI-compatible HTTP API in two functions: what is asked, what comes back. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from llm_worker.engine.prompt import SYSTEM_INSTRUCTION, completion_prompt
from llm_worker.engine.protocol import UNKNOWN_TOKEN


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSettings:
    """`base_url` ends before `/chat/completions`. Times in seconds.

    `speaks_vllm` sends what only vLLM knows: our priority (the server needs
    `--scheduling-policy priority`) and the wish for token ids. Others may refuse it.
    """

    base_url: str
    model: str
    api_key: str = ""
    num_slots: int = 16
    max_context_tokens: int | None = None
    is_chat: bool = True
    speaks_vllm: bool = True
    connect_seconds: float = 5.0
    silence_seconds: float = 60.0  # without a token, then the server counts as gone
    retry_seconds: float = 0.5  # doubles with each failure
    max_failures: int = 3  # in a row, of one request, then the engine counts as dead

    @property
    def url(self) -> str:
        path = "chat/completions" if self.is_chat else "completions"
        return f"{self.base_url.rstrip('/')}/{path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One piece of an answer; `end` with the last one."""

    text: str = ""
    token_ids: tuple[int, ...] = ()
    end: Literal["eos", "length"] | None = None


class BadAnswer(ValueError):
    """The server sent something that is no piece of an answer."""


def payload(
    settings: RemoteSettings, *, prompt: str, so_far: str, num_tokens: int, priority: int
) -> dict[str, Any]:
    """Asks for `num_tokens` more tokens after the text `so_far`."""
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
        if so_far:
            body["messages"].append({"role": "assistant", "content": so_far})
            body |= {"continue_final_message": True, "add_generation_prompt": False}
    else:
        body["prompt"] = completion_prompt(prompt) + so_far
    if settings.speaks_vllm:
        body |= {"priority": priority, "return_token_ids": True}
    return body


def read_line(line: str) -> Chunk | None:
    """One line of the event stream; None where it holds no piece. Raises BadAnswer."""
    if not line.startswith("data:"):
        return None
    data = line.removeprefix("data:").strip()
    if data == "[DONE]":
        return None
    try:
        content = json.loads(data)
        choices = content.get("choices")
        if "error" in content or choices is None:
            raise BadAnswer(f"the server said: {data[:200]}")
        return _chunk(choices[0]) if choices else None
    except (json.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        raise BadAnswer(f"unreadable: {data[:200]}") from error


def _chunk(choice: dict[str, Any]) -> Chunk:
    delta = choice.get("delta") or {}
    text = choice.get("text") or delta.get("content") or ""
    given = choice.get("token_ids")
    ids = tuple(given) if given is not None else (UNKNOWN_TOKEN,) * bool(text)
    finish = choice.get("finish_reason")
    if finish not in (None, "stop", "length"):
        raise BadAnswer(f"the server ended the answer with {finish!r}")
    if finish == "stop" and given and choice.get("stop_reason") is None:
        ids = ids[:-1]  # the end mark
    end: Literal["eos", "length"] | None = None
    if finish is not None:
        end = "length" if finish == "length" else "eos"
    return Chunk(text=text, token_ids=ids, end=end)
