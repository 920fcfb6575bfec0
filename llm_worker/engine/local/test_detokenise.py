"""Streamed text: no part of a character, and the same text for every grouping of tokens."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_worker.engine.local.byte_tokenizer import byte_tokenizer
from llm_worker.engine.local.detokenise import TextStream

TOKENIZER: Any = byte_tokenizer()
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffd"), max_size=30)


def in_pieces(token_ids: list[int], sizes: list[int]) -> list[list[int]]:
    pieces: list[list[int]] = []
    at = 0
    while at < len(token_ids):
        size = sizes[len(pieces) % len(sizes)] if sizes else 1
        pieces.append(token_ids[at : at + size])
        at += size
    return pieces


@given(TEXTS, st.lists(st.integers(1, 7), max_size=5))
def test_any_text_is_restored_from_any_pieces(text: str, sizes: list[int]) -> None:
    stream = TextStream(TOKENIZER)
    pieces = in_pieces(TOKENIZER.encode(text), sizes)
    shown = [stream.push(piece) for piece in pieces]
    assert all("\ufffd" not in part for part in shown)
    assert "".join(shown) + stream.flush() == text


@given(st.lists(st.integers(0, 255), max_size=60), st.lists(st.integers(1, 7), max_size=5))
def test_invalid_bytes_give_the_same_text_in_any_pieces(ids: list[int], sizes: list[int]) -> None:
    slow, fast = TextStream(TOKENIZER), TextStream(TOKENIZER)
    one_by_one = "".join(slow.push([i]) for i in ids) + slow.flush()
    in_groups = "".join(fast.push(piece) for piece in in_pieces(ids, sizes)) + fast.flush()
    assert one_by_one == in_groups


@pytest.mark.parametrize("text", ["39.5 °C", "Größe", "🚑 unterwegs", "呼吸困难"])
def test_a_character_is_returned_when_it_is_complete(text: str) -> None:
    stream, ids = TextStream(TOKENIZER), TOKENIZER.encode(text)
    shown = [stream.push([i]) for i in ids]
    assert "".join(shown) == text
    assert len([part for part in shown if part]) == len(text)


def test_an_incomplete_character_at_the_end_is_dropped() -> None:
    stream = TextStream(TOKENIZER)
    shown = stream.push(TOKENIZER.encode("5 µ")[:-1])
    assert shown + stream.flush() == "5 "
