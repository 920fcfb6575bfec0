"""Encoding of prompts with and without a chat template."""

from __future__ import annotations

from typing import Any

import pytest

from llm_worker.engine.local.byte_tokenizer import END_ID, byte_tokenizer
from llm_worker.engine.local.encoding import prompt_encoder
from llm_worker.engine.prompt import SYSTEM_INSTRUCTION, completion_prompt

CHAT = (
    "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
)
NO_SYSTEM = (
    "{% for m in messages %}{% if m.role == 'system' %}"
    "{{ raise_exception('no system role') }}{% endif %}[{{ m.role }}]{{ m.content }}{% endfor %}"
)


@pytest.fixture
def own_tokenizer() -> Any:
    return byte_tokenizer()


def test_without_a_template_the_completion_prompt_is_used(own_tokenizer: Any) -> None:
    ids = prompt_encoder(own_tokenizer)("39.5 °C")
    assert own_tokenizer.decode(ids) == completion_prompt("39.5 °C")


def test_an_end_token_after_the_prompt_is_removed(
    own_tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(own_tokenizer), "encode", lambda self, text: [1, 2, END_ID])
    assert prompt_encoder(own_tokenizer)("x") == [1, 2]


def test_a_template_gets_instruction_and_brief_with_their_roles(own_tokenizer: Any) -> None:
    own_tokenizer.chat_template = CHAT
    ids = prompt_encoder(own_tokenizer)("cough")
    assert own_tokenizer.decode(ids) == f"[system]{SYSTEM_INSTRUCTION}[user]cough[assistant]"


def test_a_template_without_system_role_still_gets_the_instruction(own_tokenizer: Any) -> None:
    own_tokenizer.chat_template = NO_SYSTEM
    ids = prompt_encoder(own_tokenizer)("cough")
    assert own_tokenizer.decode(ids) == f"[user]{SYSTEM_INSTRUCTION}\n\ncough"
