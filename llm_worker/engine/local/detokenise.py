"""Converts a stream of token ids to text, and never returns a part of a character."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

_INCOMPLETE: Final = "\ufffd"
_MAX_HELD_TOKENS: Final = 8  # more tokens than this are not one character


class TextStream:
    """The text of a growing answer. The text depends on the ids, not on how they are grouped.

    Each token is decoded together with the tokens before it, because a tokenizer may join or
    space tokens by their neighbours. The new text is the difference to the text before.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._ids: list[int] = []
        self._decode_from = 0  # index of the first token to decode
        self._num_emitted = 0  # number of tokens whose text is already returned

    def push(self, token_ids: Sequence[int]) -> str:
        """The new text; empty while a character is incomplete."""
        return "".join(self._push_one(token_id) for token_id in token_ids)

    def flush(self) -> str:
        """The rest of the text at the end, without an incomplete character."""
        rest = self._pending_text().rstrip(_INCOMPLETE)
        self._decode_from = self._num_emitted = len(self._ids)
        return rest

    def _push_one(self, token_id: int) -> str:
        self._ids.append(token_id)
        new = self._pending_text()
        if new.endswith(_INCOMPLETE) and len(self._ids) - self._num_emitted < _MAX_HELD_TOKENS:
            return ""
        self._decode_from, self._num_emitted = self._num_emitted, len(self._ids)
        return new

    def _pending_text(self) -> str:
        before = self._decode(self._ids[self._decode_from : self._num_emitted])
        return self._decode(self._ids[self._decode_from :])[len(before) :]

    def _decode(self, token_ids: list[int]) -> str:
        if not token_ids:
            return ""
        return str(
            self._tokenizer.decode(
                token_ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        )
