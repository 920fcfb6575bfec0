"""Attention on a CPU, computed separately for each request.

The library packs all requests of a batch into one sequence and masks the keys of other
requests: the work grows with the square of the number of slots. GPUs have kernels that avoid
this. Here each request attends only to its own keys, and heads that share keys read them once.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface

NAME: Final = "triage_ragged"
# These have plain causal attention in every layer. Other models keep the library's attention.
MODEL_TYPES: Final = frozenset({"llama", "qwen2", "qwen3"})


def use_ragged_attention(model: Any) -> bool:
    """Sets this attention for a supported model on a CPU. Returns whether it was set."""
    text = model.config.get_text_config()
    kinds = set(getattr(text, "layer_types", None) or ["full_attention"])
    if (
        model.device.type != "cpu"
        or model.config._attn_implementation != "sdpa"
        or text.model_type not in MODEL_TYPES
        or kinds != {"full_attention"}
    ):
        return False
    AttentionInterface.register(NAME, ragged_attention)
    AttentionMaskInterface.register(NAME, _no_mask)
    model.set_attn_implementation(NAME)
    return True


def ragged_attention(
    module: torch.nn.Module,
    query: torch.Tensor,  # [1, heads, new tokens of all, head size]
    key: torch.Tensor,  # [1, KV heads, new tokens of all, head size]
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    cache: Any = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Called by the library in each layer. Returns [1, new tokens, heads, head size]."""
    keys, values = cache.update(
        key_states=key, value_states=value, layer_idx=module.layer_idx, kwargs=kwargs
    )
    query_ends = kwargs["cu_seq_lens_q"].tolist()
    key_ends = kwargs["cu_seq_lens_k"].tolist()
    parts = []
    for i in range(len(query_ends) - 1):
        own_keys = slice(key_ends[i], key_ends[i + 1])
        part = query[:, :, query_ends[i] : query_ends[i + 1]]
        parts.append(_attend(part, keys[:, :, own_keys], values[:, :, own_keys], scaling))
    return torch.cat(parts, dim=2).transpose(1, 2).contiguous(), None


def _attend(
    query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, scaling: float | None
) -> torch.Tensor:
    _, num_heads, num_new, size = query.shape
    num_kv_heads, num_known = keys.shape[1], keys.shape[2]
    if num_new == 1:
        # Heads that share keys become several queries of one head. No mask is needed.
        grouped = query.reshape(1, num_kv_heads, num_heads // num_kv_heads, size)
        answer = scaled_dot_product_attention(grouped, keys, values, scale=scaling)
        return answer.reshape(1, num_heads, 1, size)
    mask = None
    if num_new < num_known:  # part of a prompt: the last new token attends to all keys
        allowed = torch.ones(num_new, num_known, dtype=torch.bool, device=query.device)
        mask = allowed.tril(num_known - num_new)
    return scaled_dot_product_attention(
        query,
        keys,
        values,
        attn_mask=mask,
        is_causal=mask is None,
        scale=scaling,
        enable_gqa=num_heads != num_kv_heads,
    )


def _no_mask(*_: Any, **__: Any) -> None:
    return None
