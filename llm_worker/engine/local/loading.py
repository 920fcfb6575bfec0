"""Loads a model onto a device, or gives a clear reason why it cannot.

Any causal language model works, by hub name or path. Models with vision (Gemma 3 and
MedGemma) are loaded whole, as AutoModelForCausalLM maps them, and generate with their text
part. Loading only the text part would leave all weights random.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import psutil
import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.initialization import no_init_weights

from llm_worker.engine.local.byte_tokenizer import byte_tokenizer
from llm_worker.engine.local.files import TOKENIZER_FILES, problem_of
from llm_worker.engine.protocol import EngineUnavailable

Device = Literal["auto", "cpu", "cuda"]
_CAUSAL: Final[Any] = AutoModelForCausalLM  # its annotations are incomplete
_GIB: Final = 1024**3
_SPARE_FRACTION: Final = 0.1  # for activations and the rest of the process


class ModelUnavailable(EngineUnavailable):
    """The model cannot be used. The message names the setting, the model and the reason."""


class NotEnoughMemory(ModelUnavailable):
    """Weights, KV cache and logits do not fit. The message gives the needed and free memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    model: Any
    tokenizer: Any
    device: str
    num_parameters: int
    weight_bytes: int
    kv_bytes_per_token: int
    has_random_weights: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSize:
    """The memory that a configuration needs, computed before loading."""

    num_parameters: int
    weight_bytes: int
    kv_bytes_per_token: int
    logit_bytes_per_token: int = 0

    def needed_bytes(self, num_kv_tokens: int, num_logit_tokens: int = 0) -> int:
        return (
            self.weight_bytes
            + num_kv_tokens * self.kv_bytes_per_token
            + num_logit_tokens * self.logit_bytes_per_token
        )


def load_model(
    source: str,
    *,
    device: Device = "auto",
    random_weights: bool = False,
    dtype: torch.dtype | None = None,
    num_kv_tokens: int = 0,
    num_logit_tokens: int = 0,
    seed: int = 0,
) -> LoadedModel:
    """Loads model and tokenizer from a folder or by hub name.

    With `random_weights` it reads only the configuration, and the tokenizer if present.
    The default `dtype` is float32 on a CPU and bfloat16 on a GPU. `num_kv_tokens` is the size
    of the KV cache that must fit beside the weights, and `num_logit_tokens` the tokens of a
    step, each of which gets a logit per word of the vocabulary. Raises ModelUnavailable.
    """
    on = resolve_device(device)
    dtype = dtype or (torch.bfloat16 if on == "cuda" else torch.float32)
    _check_files(source, needs_weights=not random_weights)
    config = _configuration(source)
    size = _size_of(source, config, dtype)
    check_memory(
        source,
        size,
        num_kv_tokens,
        num_logit_tokens=num_logit_tokens,
        available_bytes=free_bytes(on),
    )
    if random_weights:
        model, tokenizer = (
            random_model(config, on, dtype, seed),
            _tokenizer_or_bytes(source, config),
        )
    else:
        model, tokenizer = _trained_model(source, on, dtype), _tokenizer(source)
    return LoadedModel(
        model=model.eval(),
        tokenizer=tokenizer,
        device=on,
        num_parameters=size.num_parameters,
        weight_bytes=size.weight_bytes,
        kv_bytes_per_token=size.kv_bytes_per_token,
        has_random_weights=random_weights,
    )


def resolve_device(device: Device) -> Literal["cpu", "cuda"]:
    """Raises ModelUnavailable if `device` is cuda and there is no GPU."""
    if device == "cpu":
        return "cpu"
    if torch.cuda.is_available():
        return "cuda"
    if device == "cuda":
        raise ModelUnavailable(
            "TRIAGE_DEVICE: it is 'cuda', but PyTorch finds no CUDA device; set cpu or auto, or "
            "install the driver and a CUDA build of PyTorch"
        )
    return "cpu"


def model_size(config: Any, dtype: torch.dtype) -> ModelSize:
    """Computed on the meta device, without allocation. Tied weights count once."""
    skeleton = _empty_model(config, "meta", dtype)
    num_parameters = sum(weights.numel() for weights in skeleton.parameters())
    text = config.get_text_config()
    head_size = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    num_kv_heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    return ModelSize(
        num_parameters=num_parameters,
        weight_bytes=num_parameters * dtype.itemsize,
        kv_bytes_per_token=2 * text.num_hidden_layers * num_kv_heads * head_size * dtype.itemsize,
        # As computed, and once more in float32 for the choice of the next token.
        logit_bytes_per_token=text.vocab_size * (dtype.itemsize + torch.float32.itemsize),
    )


def check_memory(
    source: str,
    size: ModelSize,
    num_kv_tokens: int,
    *,
    num_logit_tokens: int = 0,
    available_bytes: int,
) -> None:
    """Raises NotEnoughMemory, with figures in GiB, before anything is allocated."""
    needed = size.needed_bytes(num_kv_tokens, num_logit_tokens)
    usable = int(available_bytes * (1 - _SPARE_FRACTION))
    if needed > usable:
        logits = num_logit_tokens * size.logit_bytes_per_token
        raise NotEnoughMemory(
            f"TRIAGE_LLM: {source}: {size.num_parameters / 1e9:.2f} billion parameters need "
            f"{size.weight_bytes / _GIB:.1f} GiB and a KV cache of {num_kv_tokens} tokens needs "
            f"{num_kv_tokens * size.kv_bytes_per_token / _GIB:.1f} GiB"
            + (f", and logits need {logits / _GIB:.1f} GiB" if logits else "")
            + f"; {usable / _GIB:.1f} GiB are free; choose a smaller model or lower TRIAGE_SLOTS"
        )


def free_bytes(device: Literal["cpu", "cuda"]) -> int:
    if device == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    return int(psutil.virtual_memory().available)


def random_model(config: Any, device: str, dtype: torch.dtype, seed: int = 0) -> Any:
    """A model with random weights, created on the device without a file or a copy.

    It is not moved from `meta`, so that buffers such as the rotary frequencies are computed.
    """
    model = _empty_model(config, device, dtype)
    noise = torch.Generator(device).manual_seed(seed)
    deviation = getattr(config.get_text_config(), "initializer_range", None) or 0.02
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if weights.dim() > 1:
                weights.normal_(0.0, deviation, generator=noise)
            else:
                weights.fill_(0.0 if name.endswith("bias") else 1.0)
    return model


def _empty_model(config: Any, device: str, dtype: torch.dtype) -> Any:
    with torch.device(device), no_init_weights():
        model = _CAUSAL.from_config(config, dtype=dtype)
    model.tie_weights()  # `no_init_weights` skips this
    return model


def _check_files(source: str, *, needs_weights: bool) -> None:
    folder = Path(source)
    if source.startswith(("/", "./", "../", "~")) and not folder.is_dir():
        # A path, not a hub name.
        raise _unavailable(source, "there is no such folder; correct the path")
    if folder.is_dir() and (problem := problem_of(folder, needs_weights=needs_weights)):
        raise _unavailable(source, problem)


def _configuration(source: str) -> Any:
    try:
        return AutoConfig.from_pretrained(source)
    except Exception as error:  # the library raises many kinds
        raise _unavailable(source, f"no usable configuration: {_first_line(error)}") from error


def _size_of(source: str, config: Any, dtype: torch.dtype) -> ModelSize:
    try:
        return model_size(config, dtype)
    except Exception as error:
        raise _unavailable(
            source, f"not a causal language model that can be used: {_first_line(error)}"
        ) from error


def _trained_model(source: str, device: str, dtype: torch.dtype) -> Any:
    try:
        model, report = _CAUSAL.from_pretrained(source, dtype=dtype, output_loading_info=True)
    except Exception as error:
        raise _unavailable(source, f"no usable weights: {_first_line(error)}") from error
    missing = sorted(report["missing_keys"])
    if missing:  # they would be random, and the guidance nonsense
        raise _unavailable(
            source,
            f"{len(missing)} weights are missing, the first is {missing[0]}; "
            "copy or download the model again",
        )
    return model.to(device)


def _tokenizer(source: str) -> Any:
    try:
        return AutoTokenizer.from_pretrained(source)
    except Exception as error:
        raise _unavailable(source, f"no usable tokenizer: {_first_line(error)}") from error


def _tokenizer_or_bytes(source: str, config: Any) -> Any:
    """The tokenizer of the source, or a byte tokenizer if a folder has none."""
    folder = Path(source)
    if folder.is_dir() and not any((folder / name).exists() for name in TOKENIZER_FILES):
        return byte_tokenizer(config.get_text_config().vocab_size)
    return _tokenizer(source)


def _unavailable(source: str, what: str) -> ModelUnavailable:
    return ModelUnavailable(f"TRIAGE_LLM: {source}: {what}")


def _first_line(error: Exception) -> str:
    line = str(error).strip().partition("\n")[0]
    return line[:300] or type(error).__name__
