"""A new model with copy heads copies random tokens; without them it cannot."""

from __future__ import annotations

import pytest
import torch
from transformers import Qwen3Config, Qwen3ForCausalLM

from llm_worker.training.copy_heads import build_copy_heads

VOCABULARY = 1_000


def _fresh(*, bias: bool = True) -> Qwen3ForCausalLM:
    torch.manual_seed(3)
    config = Qwen3Config(
        vocab_size=VOCABULARY,
        hidden_size=256,
        intermediate_size=320,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=64,
        tie_word_embeddings=True,
        attention_bias=bias,
    )
    model = Qwen3ForCausalLM(config)
    torch.nn.init.normal_(model.model.embed_tokens.weight, std=config.hidden_size**-0.5)
    return model.eval()


def _share_copied(model: Qwen3ForCausalLM) -> float:
    """Share of correct greedy predictions in the second half of repeated random rows."""
    rows = torch.randint(0, VOCABULARY, (4, 60), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        guesses = model(torch.cat([rows, rows], dim=1)).logits.argmax(-1)
    return (guesses[:, 61:-1] == rows[:, 2:]).float().mean().item()


def test_a_new_model_copies_with_copy_heads_only() -> None:
    model = _fresh()
    assert _share_copied(model) < 0.05
    build_copy_heads(model)
    assert _share_copied(model) > 0.9


def test_a_model_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="attention_bias"):
        build_copy_heads(_fresh(bias=False))
