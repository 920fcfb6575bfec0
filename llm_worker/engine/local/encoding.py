"""Encodes a brief as the token ids of a prompt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2.exceptions import TemplateError

from llm_worker.engine.prompt import SYSTEM_INSTRUCTION, completion_prompt


def prompt_encoder(tokenizer: Any) -> Callable[[str], list[int]]:
    """An encoder of briefs. It uses the chat template of the tokenizer, or else plain text."""
    if getattr(tokenizer, "chat_template", None):
        return lambda brief: _chat_ids(tokenizer, brief)
    return lambda brief: _completion_ids(tokenizer, brief)


def _completion_ids(tokenizer: Any, brief: str) -> list[int]:
    ids: list[int] = tokenizer.encode(completion_prompt(brief))
    while ids and ids[-1] == tokenizer.eos_token_id:  # some tokenizers append it to every text
        ids.pop()
    return ids


def _chat_ids(tokenizer: Any, brief: str) -> list[int]:
    system, user = ("system", SYSTEM_INSTRUCTION), ("user", brief)
    try:
        return _templated(tokenizer, system, user)
    except TemplateError:  # some templates have no system role
        return _templated(tokenizer, ("user", f"{SYSTEM_INSTRUCTION}\n\n{brief}"))


def _templated(tokenizer: Any, *messages: tuple[str, str]) -> list[int]:
    encoded = tokenizer.apply_chat_template(
        [{"role": role, "content": content} for role, content in messages],
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        enable_thinking=False,  # guidance must start at once
    )
    ids: list[int] = encoded["input_ids"]
    return ids
