"""A tokenizer without a file, one token per byte, for configurations without weights."""

from __future__ import annotations

from typing import Any, Final

from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

END: Final = "<|end|>"
END_ID: Final = 256
NUM_BYTE_TOKENS: Final = 257


def byte_tokenizer(num_tokens: int = NUM_BYTE_TOKENS) -> Any:
    """Ids 0 to 255 are bytes, and 256 ends an answer. Decoding restores any text unchanged.

    Ids from 257 to `num_tokens` - 1 never result from a text. Each decodes to one word, so
    that a model with a larger vocabulary gives readable text. Raises ValueError below 257.
    """
    if num_tokens < NUM_BYTE_TOKENS:
        raise ValueError(f"num_tokens: must be at least {NUM_BYTE_TOKENS}, not {num_tokens}")
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: number for number, letter in enumerate(alphabet)}
    vocabulary[END] = END_ID
    space = "\u0120"  # the space in byte-level vocabularies
    vocabulary |= {f"{space}t{number}": number for number in range(NUM_BYTE_TOKENS, num_tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, eos_token=END, pad_token=END, clean_up_tokenization_spaces=False
    )
