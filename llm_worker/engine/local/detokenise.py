"""Token ids to text while they come, without ever showing half a character."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

_INCOMPLETE: Final = "\ufffd"
_MAX_HELD_TOKENS: Final = 8  # a character has at most 4 bytes: longer is rubbish, not patience


class TextStream:
    """The text of a growing answer. What it says depends on the ids alone, not on their pace.

    Each token is decoded together with those of the step before, since a tokenizer may
    join or space pieces by their neighbours; the difference is what is new.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._ids: list[int] = []
        self._context = 0  # decoding starts here
        self._shown = 0  # tokens before this one are in the text already

    def push(self, token_ids: Sequence[int]) -> str:
        """Text that has become certain; empty while a character is incomplete."""
        return "".join(self._push_one(token_id) for token_id in token_ids)

    def flush(self) -> str:
        """What is left at the end, less an unfinished character."""
        rest = self._unshown().rstrip(_INCOMPLETE)
        self._context = self._shown = len(self._ids)
        return rest

    def _push_one(self, token_id: int) -> str:
        self._ids.append(token_id)
        new = self._unshown()
        if new.endswith(_INCOMPLETE) and len(self._ids) - self._shown < _MAX_HELD_TOKENS:
            return ""
        self._context, self._shown = self._shown, len(self._ids)
        return new

    def _unshown(self) -> str:
        before = self._decode(self._ids[self._context : self._shown])
        return self._decode(self._ids[self._context :])[len(before) :]

    def _decode(self, token_ids: list[int]) -> str:
        if not token_ids:
            return ""
        return str(
            self._tokenizer.decode(
                token_ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        )
