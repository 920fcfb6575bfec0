"""A tokenizer that needs no file: one token per byte, for configurations without weights."""

from __future__ import annotations

from typing import Any, Final

from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

END: Final = "<|end|>"
END_ID: Final = 256
NUM_BYTE_TOKENS: Final = 257


def byte_tokenizer(num_tokens: int = NUM_BYTE_TOKENS) -> Any:
    """Ids 0 to 255 stand for bytes, 256 ends an answer. Any text comes back unchanged.

    Ids from 257 up to `num_tokens` never come from a text, but read as a word each, so
    that a model with more tokens has an answer to show. Raises ValueError below 257.
    """
    if num_tokens < NUM_BYTE_TOKENS:
        raise ValueError(f"num_tokens: must be at least {NUM_BYTE_TOKENS}, not {num_tokens}")
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: number for number, letter in enumerate(alphabet)}
    vocabulary[END] = END_ID
    space = "\u0120"  # how byte-level vocabularies spell a space
    vocabulary |= {f"{space}t{number}": number for number in range(NUM_BYTE_TOKENS, num_tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, eos_token=END, pad_token=END, clean_up_tokenization_spaces=False
    )
