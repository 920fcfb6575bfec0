"""Start a decoder with heads that copy, so that training need not find them.

An induction head continues a text by what followed the same token earlier. It takes two
layers: one head writes each token's forerunner beside it, a later one looks for places whose
forerunner is the present token and copies the token there (Elhage et al., 2021). From random
weights they appear only after millions of tokens; built in, the first step already copies.
Training then moves all of these weights like any other.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor
from transformers import Qwen3ForCausalLM

FAST_PAIRS: Final = 6  # rotary pairs that turn fast enough to tell neighbours apart
SLOW_PAIRS: Final = 14  # rotary pairs that hardly turn within a prompt
LOOK_STRENGTH: Final = 4.0
WRITE_STRENGTH: Final = 0.2
COPY_STRENGTH: Final = 2.0
SHARPNESS: Final = 1.5


@torch.no_grad()
def build_copy_heads(model: Qwen3ForCausalLM) -> None:
    """Changes the first two layers of a fresh model in place.

    Needs attention biases, and a hidden size of four times the head size. Four subspaces share
    the hidden size: tokens are matched in the first, their forerunners at one and two tokens'
    distance are written to the second and third, and first and fourth are copied.
    """
    config = model.config
    size = config.head_dim
    if config.hidden_size != 4 * size or not config.attention_bias:
        raise ValueError("copy heads: need attention_bias and hidden_size = 4 x head_dim")
    basis = torch.linalg.qr(torch.randn(config.hidden_size, config.hidden_size)).Q
    spaces = basis.split(size)
    for layer in model.model.layers:
        layer.mlp.down_proj.weight.mul_(0.3)
    _write_forerunners(model, spaces)
    _match_and_copy(model, spaces)


def _write_forerunners(model: Qwen3ForCausalLM, spaces: tuple[Tensor, ...]) -> None:
    """Heads 0 and 1 of the first layer look one and two tokens back and write what is there.

    The same bias on key and query, turned back by the distance on the query, makes their
    rotary product largest at that distance.
    """
    attention = model.model.layers[0].self_attn
    size = model.config.head_dim
    half = size // 2
    rotary: Any = model.config.rope_parameters
    turn = float(rotary["rope_theta"]) ** (-torch.arange(FAST_PAIRS) / half)
    attention.k_proj.bias[:FAST_PAIRS] = LOOK_STRENGTH
    attention.v_proj.weight[:size] = spaces[0]
    for head, distance in enumerate((1, 2)):
        at = head * size
        bias = attention.q_proj.bias
        bias[at : at + FAST_PAIRS] = LOOK_STRENGTH * torch.cos(distance * turn)
        bias[at + half : at + half + FAST_PAIRS] = -LOOK_STRENGTH * torch.sin(distance * turn)
        attention.o_proj.weight[:, at : at + size] = WRITE_STRENGTH * spaces[1 + head].T
    for norm in (attention.q_norm, attention.k_norm):
        norm.weight[:FAST_PAIRS] = SHARPNESS
        norm.weight[half : half + FAST_PAIRS] = SHARPNESS


def _match_and_copy(model: Qwen3ForCausalLM, spaces: tuple[Tensor, ...]) -> None:
    """One query head of each key-value head of the second layer matches and copies."""
    attention = model.model.layers[1].self_attn
    config = model.config
    size, half = config.head_dim, config.head_dim // 2
    slow = torch.cat([torch.arange(half - SLOW_PAIRS, half), torch.arange(size - SLOW_PAIRS, size)])
    num_key_heads = config.num_key_value_heads or config.num_attention_heads
    queries_per_key = config.num_attention_heads // num_key_heads
    for key_head, copied in zip(range(num_key_heads), (0, 3), strict=False):
        query_head = key_head * queries_per_key
        keys = attention.k_proj.weight[key_head * size : (key_head + 1) * size]
        queries = attention.q_proj.weight[query_head * size : (query_head + 1) * size]
        keys.zero_()
        queries.zero_()
        keys[slow] = spaces[1][: len(slow)]
        queries[slow] = spaces[0][: len(slow)]
        attention.v_proj.weight[key_head * size : (key_head + 1) * size] = spaces[copied]
        columns = slice(query_head * size, (query_head + 1) * size)
        attention.o_proj.weight[:, columns] = COPY_STRENGTH * spaces[copied].T
    for norm in (attention.q_norm, attention.k_norm):
        norm.weight[slow] = SHARPNESS
