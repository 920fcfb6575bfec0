"""Builds the engine that the settings select."""

from __future__ import annotations

import time
from typing import Any, cast

import structlog
import torch
from django.conf import settings

from llm_worker.engine.deferred import DeferredEngine
from llm_worker.engine.local.constrained import form_of
from llm_worker.engine.local.encoding import check_prompts, is_own_model, prompt_encoder
from llm_worker.engine.local.engine import LocalEngine
from llm_worker.engine.local.loading import Device, load_model, resolve_device
from llm_worker.engine.local.settings import EngineSettings
from llm_worker.engine.protocol import Engine, EngineUnavailable

log = structlog.get_logger(__name__)

SMALL_MODEL_PARAMETERS = 30_000_000
MIN_PROMPT_TOKENS = 256  # a short note without vital signs, with the chat instruction
MAX_PROMPT_TOKENS = 1536  # a long note, all vital signs, and the chat instruction


def num_threads(num_parameters: int, wanted: int | None) -> int:
    """Threads of PyTorch on a CPU: `wanted` if the site sets it, one for a small model.

    Each operation of a small model takes microseconds. To synchronise threads after each one
    costs more time than they save.
    """
    if wanted is not None:
        return wanted
    return 1 if num_parameters < SMALL_MODEL_PARAMETERS else torch.get_num_threads()


def make_engine() -> Engine:
    """The engine that the settings select. Returns at once; it says itself when it is ready."""
    if settings.TRIAGE_ENGINE == "remote":
        return _remote_engine()
    return DeferredEngine(local_engine, num_slots=settings.TRIAGE_SLOTS, clock=time.time)


def _remote_engine() -> Engine:
    from llm_worker.engine.remote.api import RemoteSettings
    from llm_worker.engine.remote.engine import RemoteEngine

    context_tokens = MAX_PROMPT_TOKENS + settings.TRIAGE_MAX_NEW_TOKENS
    is_chat = {"auto": None, "chat": True, "completions": False}[settings.TRIAGE_REMOTE_API]
    return RemoteEngine(
        RemoteSettings(
            base_url=settings.TRIAGE_REMOTE_URL,
            model=settings.TRIAGE_REMOTE_MODEL,
            api_key=settings.TRIAGE_REMOTE_API_KEY,
            num_slots=settings.TRIAGE_SLOTS,
            max_context_tokens=context_tokens,
            min_context_tokens=MIN_PROMPT_TOKENS + settings.TRIAGE_MAX_NEW_TOKENS,
            is_chat=is_chat,
            sends_priority=settings.TRIAGE_REMOTE_PRIORITY,
            wants_token_ids=settings.TRIAGE_REMOTE_TOKEN_IDS,
            first_token_seconds=settings.TRIAGE_REMOTE_FIRST_TOKEN_SECONDS,
            token_seconds=settings.TRIAGE_REMOTE_TOKEN_SECONDS,
        ),
        clock=time.time,
    )


def _check_context(model: Any, num_kv_tokens: int) -> None:
    """Raises EngineUnavailable when no answer of the set length can fit."""
    longest = settings.TRIAGE_MAX_NEW_TOKENS
    needed = MIN_PROMPT_TOKENS + longest
    positions = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if positions is not None and needed > positions:
        raise EngineUnavailable(
            f"TRIAGE_MAX_NEW_TOKENS: an answer of {longest} tokens and its prompt do not fit into "
            f"the context of the model, {positions} tokens; set at most "
            f"{positions - MIN_PROMPT_TOKENS}"
        )
    if num_kv_tokens and needed > num_kv_tokens:
        raise EngineUnavailable(
            f"TRIAGE_KV_BLOCKS: {settings.TRIAGE_KV_BLOCKS} blocks hold {num_kv_tokens} tokens, "
            f"but an answer and its prompt need {needed}; raise it, or remove the variable"
        )


def local_engine() -> Engine:
    """Loads the model, which may take minutes. Raises EngineUnavailable."""
    context_tokens = MAX_PROMPT_TOKENS + settings.TRIAGE_MAX_NEW_TOKENS
    device = resolve_device(cast(Device, settings.TRIAGE_DEVICE))
    sizes = EngineSettings.for_device(
        device,
        num_slots=settings.TRIAGE_SLOTS,
        max_context_tokens=context_tokens,
        num_blocks=settings.TRIAGE_KV_BLOCKS,
    )
    loaded = load_model(
        settings.TRIAGE_LLM,
        device=device,
        random_weights=settings.TRIAGE_LLM_RANDOM,
        num_kv_tokens=sizes.num_kv_tokens or settings.TRIAGE_SLOTS * context_tokens,
        num_logit_tokens=sizes.max_batch_tokens or 0,
    )
    _check_context(loaded.model, sizes.num_kv_tokens)
    if not loaded.has_random_weights:
        check_prompts(settings.TRIAGE_LLM, loaded.tokenizer)
    if loaded.device == "cpu":
        torch.set_num_threads(num_threads(loaded.num_parameters, settings.TRIAGE_TORCH_THREADS))
    log.info(
        "model_loaded",
        model=settings.TRIAGE_LLM_NAME,
        device=loaded.device,
        million_parameters=round(loaded.num_parameters / 1e6, 1),
        random_weights=loaded.has_random_weights,
        threads=torch.get_num_threads(),
    )
    has_form = is_own_model(loaded.tokenizer) and not loaded.has_random_weights
    return LocalEngine(
        loaded.model,
        loaded.tokenizer,
        encode=prompt_encoder(loaded.tokenizer),
        clock=time.time,
        settings=sizes,
        form=form_of(loaded.tokenizer, loaded.model.config.vocab_size) if has_form else None,
    )
