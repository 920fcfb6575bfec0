"""Encodes a brief as the token ids of a prompt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2.exceptions import TemplateError

from llm_worker.engine.prompt import (
    CASE_MARK,
    GUIDANCE_MARK,
    SYSTEM_INSTRUCTION,
    completion_prompt,
)
from llm_worker.engine.protocol import EngineUnavailable


def prompt_encoder(tokenizer: Any) -> Callable[[str], list[int]]:
    """An encoder of briefs. It uses the chat template of the tokenizer, or else plain text."""
    if getattr(tokenizer, "chat_template", None):
        return lambda brief: _chat_ids(tokenizer, brief)
    is_plain = is_own_model(tokenizer)
    return lambda brief: _completion_ids(tokenizer, completion_prompt(brief, is_plain=is_plain))


def is_own_model(tokenizer: Any) -> bool:
    """Whether the model was trained on the prompts and the form of this project."""
    has_template = bool(getattr(tokenizer, "chat_template", None))
    return not has_template and _knows_our_marks(tokenizer)


def check_prompts(source: str, tokenizer: Any) -> None:
    """Raises EngineUnavailable when this tokenizer cannot make prompts for a trained model."""
    if not getattr(tokenizer, "chat_template", None) and not _knows_our_marks(tokenizer):
        raise EngineUnavailable(
            f"TRIAGE_LLM: {source}: the model has no chat template and was not trained on the "
            "prompts of this project; choose an instruction-tuned model, or add its "
            "chat_template.jinja to the folder"
        )
    try:
        ids = prompt_encoder(tokenizer)("Cough.")
    except Exception as error:  # a template is a program of its own
        raise EngineUnavailable(
            f"TRIAGE_LLM: {source}: the chat template fails ({type(error).__name__}: "
            f"{' '.join(str(error).split())[:160]}); correct the template of the model"
        ) from error
    if not ids:
        raise EngineUnavailable(
            f"TRIAGE_LLM: {source}: the tokenizer makes no tokens of a prompt; "
            "copy the tokenizer of the model again"
        )


def _knows_our_marks(tokenizer: Any) -> bool:
    return all(mark in tokenizer.get_vocab() for mark in (CASE_MARK, GUIDANCE_MARK))


def _completion_ids(tokenizer: Any, prompt: str) -> list[int]:
    ids: list[int] = tokenizer.encode(prompt)
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
