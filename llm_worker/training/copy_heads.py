"""Initialises a decoder with heads that copy earlier text (induction heads).

An induction head continues a text with the token that followed the same token earlier. It
needs two layers. A head of the first layer adds the previous token to each position. A head
of the second layer looks for positions whose previous token is the current token, and copies
the token there (Elhage et al., 2021). With random weights such heads appear only after millions
of tokens of training. With these initial weights the model copies from the first step.
Training changes these weights like all others.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor
from transformers import Qwen3ForCausalLM

FAST_PAIRS: Final = 6  # rotary pairs that rotate fast enough to separate neighbouring positions
SLOW_PAIRS: Final = 14  # rotary pairs that rotate very little within a prompt
LOOK_STRENGTH: Final = 4.0
WRITE_STRENGTH: Final = 0.2
COPY_STRENGTH: Final = 2.0
SHARPNESS: Final = 1.5


@torch.no_grad()
def build_copy_heads(model: Qwen3ForCausalLM) -> None:
    """Changes the first two layers of a new model in place. Raises ValueError for its shape.

    The model needs attention biases and a hidden size of four times the head size. The hidden
    size is divided into four subspaces. The first holds the token to match. The second and
    third get the tokens at distance one and two. The first and fourth are copied.
    """
    config = model.config
    size = config.head_dim
    if config.hidden_size != 4 * size or not config.attention_bias:
        raise ValueError("copy heads: need attention_bias and hidden_size = 4 x head_dim")
    basis = torch.linalg.qr(torch.randn(config.hidden_size, config.hidden_size)).Q
    spaces = basis.split(size)
    for layer in model.model.layers:
        layer.mlp.down_proj.weight.mul_(0.3)
    _write_previous_tokens(model, spaces)
    _match_and_copy(model, spaces)


def _write_previous_tokens(model: Qwen3ForCausalLM, spaces: tuple[Tensor, ...]) -> None:
    """Heads 0 and 1 of the first layer copy the tokens at distance one and two.

    Key and query have the same bias, and the bias of the query is rotated back by the
    distance. Their rotary product is then largest at that distance.
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
    """Per key-value head of the second layer, one query head finds a match and copies it."""
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
