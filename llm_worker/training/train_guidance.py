"""Trains the embedded demonstration model from scratch, on text that the project generates.

    python -m llm_worker.training.train_guidance --steps 2400

The model is a decoder of the Qwen3 architecture with its own byte-level tokenizer, in which
each digit is one token. It starts with copy heads (copy_heads.py). The loss counts only the
guidance. The weights are stored in half precision. The shipped weights result from several
runs, each with --start-from the previous one and a lower learning rate.
"""

from __future__ import annotations

import argparse
import copy
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from torch.nn import functional
from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from llm_worker.engine.local.sbar_lines import LINES_FILE
from llm_worker.engine.prompt import CASE_MARK, GUIDANCE_MARK
from llm_worker.training.copy_heads import build_copy_heads
from llm_worker.training.guidance_complaint import learned_lines
from llm_worker.training.guidance_rows import EOS, batches, text_pairs
from llm_worker.training.muon import Muon

MODEL_FOLDER: Final = Path(__file__).parents[1] / "models" / "embedded"
VOCABULARY_TOKENS: Final = 4_096
MAX_NEW_TOKENS: Final = 320
PAD: Final = "<|pad|>"
CHECK_SEED: Final = 7_777_777  # training never uses this seed
REPORT_STEPS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Settings of a training run. Learning rates are peaks (see `lr_share`).

    `matrix_lr` is for the matrices of the layers (Muon, which learns to copy in far fewer
    steps), `lr` for embeddings and norms (AdamW). The run ends after `steps` or `minutes`,
    whichever is first. With `bfloat16`, matrices are stored in single precision and multiplied
    in bfloat16: several times as fast on a CPU with bfloat16 instructions, slower on others.
    """

    steps: int
    minutes: float = math.inf
    batch_cases: int = 12
    lr: float = 1e-3
    matrix_lr: float = 0.02
    seed: int = 1
    threads: int = 2
    bfloat16: bool = False


def train_tokenizer(num_texts: int, seed: int) -> PreTrainedTokenizerFast:
    """Byte-level BPE, so that any script can be copied. Each digit is one token."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_TOKENS,
        special_tokens=[PAD, EOS, CASE_MARK, GUIDANCE_MARK],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    pairs = text_pairs(seed)
    texts = ["".join(next(pairs)) for _ in range(num_texts)]
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=EOS,
        pad_token=PAD,
        extra_special_tokens=[CASE_MARK, GUIDANCE_MARK],
        model_max_length=2_048,
        clean_up_tokenization_spaces=False,
    )


def make_model(tokenizer: PreTrainedTokenizerFast) -> Qwen3ForCausalLM:
    """A new model with about three million parameters."""
    config = Qwen3Config(
        vocab_size=VOCABULARY_TOKENS,
        hidden_size=256,
        intermediate_size=640,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=64,
        max_position_embeddings=2_048,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        attention_bias=True,
    )
    model = Qwen3ForCausalLM(config)
    # Rows of unit length, so that each token differs clearly from all others at the start.
    torch.nn.init.normal_(model.model.embed_tokens.weight, std=config.hidden_size**-0.5)
    build_copy_heads(model)
    return model


def loss_of(model: Qwen3ForCausalLM, ids: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean cross entropy. No padding mask: padding is on the right, attention causal."""
    hidden = model.model(input_ids=ids[:, :-1]).last_hidden_state
    share = weights[:, 1:]
    chosen = share > 0
    losses = functional.cross_entropy(
        model.lm_head(hidden[chosen]).float(), ids[:, 1:][chosen], reduction="none"
    )
    return (losses * share[chosen]).sum() / share.sum()


def lr_share(done: float) -> float:
    """The learning rate as a share of its peak, at the fraction `done` of the training.

    A short warm-up, a plateau, and a linear decay over the last 40 %.
    """
    return max(0.01, min(1.0, done / 0.025, (1.0 - done) / 0.4))


def make_optimizers(model: Qwen3ForCausalLM, plan: Plan) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the layers, AdamW for all other parameters."""
    inside = [p for p in model.model.layers.parameters() if p.ndim == 2]
    chosen = {id(p) for p in inside}
    outside = [p for p in model.parameters() if id(p) not in chosen]
    work_dtype = torch.bfloat16 if plan.bfloat16 else torch.float32
    return [
        Muon(inside, lr=plan.matrix_lr, work_dtype=work_dtype),
        torch.optim.AdamW(outside, lr=plan.lr, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def train(
    plan: Plan, tokenizer: PreTrainedTokenizerFast, model: Qwen3ForCausalLM, checkpoints: Path
) -> Qwen3ForCausalLM:
    """Trains `model` on new cases in every step. Saves it into `checkpoints` at intervals."""
    model.train()
    optimizers = make_optimizers(model, plan)
    source = batches(tokenizer, batch_cases=plan.batch_cases, seed=plan.seed)
    started, num_tokens = time.monotonic(), 0
    for step in range(plan.steps):
        elapsed = time.monotonic() - started
        done = max(step / plan.steps, elapsed / 60 / plan.minutes)
        if done >= 1:
            break
        ids, weights = next(source)
        loss = _step(model, optimizers, plan, lr_share(done), ids, weights)
        num_tokens += ids.numel()
        if step % REPORT_STEPS == 0:
            unseen = check_loss(model, tokenizer)
            print(
                f"step {step} ({done:.0%}) loss {loss:.3f} unseen {unseen:.3f} "
                f"{num_tokens:,} tokens {elapsed:.0f} s",
                flush=True,
            )
            save(model, tokenizer, checkpoints)
    return model.eval()


def _step(
    model: Qwen3ForCausalLM,
    optimizers: list[torch.optim.Optimizer],
    plan: Plan,
    share: float,
    ids: Tensor,
    weights: Tensor,
) -> float:
    """One update at `share` of the peak learning rates. Returns the loss before the update."""
    with torch.autocast("cpu", torch.bfloat16, enabled=plan.bfloat16):
        loss = loss_of(model, ids, weights)
    model.zero_grad(set_to_none=True)
    loss.backward()
    for optimizer, peak in zip(optimizers, (plan.matrix_lr, plan.lr), strict=True):
        for group in optimizer.param_groups:
            group["lr"] = peak * share
        optimizer.step()
    return loss.item()


def check_loss(model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast) -> float:
    """Loss on cases with a seed that training does not use."""
    ids, weights = next(batches(tokenizer, batch_cases=24, seed=CHECK_SEED))
    with torch.no_grad():
        return loss_of(model, ids, weights).item()


def save(model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Saves half precision weights, tokenizer and greedy generation settings into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    model.generation_config = GenerationConfig(
        do_sample=False,
        max_new_tokens=MAX_NEW_TOKENS,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    stored: Any = copy.deepcopy(model)
    stored.to(torch.float16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / LINES_FILE).write_text(learned_lines(), encoding="utf-8")


def load(folder: Path) -> tuple[PreTrainedTokenizerFast, Qwen3ForCausalLM]:
    """Loads the tokenizer and the model, in single precision, from a folder of `save`."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    return tokenizer, Qwen3ForCausalLM.from_pretrained(folder, dtype=torch.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=2_000)
    parser.add_argument("--minutes", type=float, default=math.inf)
    parser.add_argument("--batch-cases", type=int, default=12)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--matrix-lr", type=float, default=0.02)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--bfloat16", action="store_true", help="multiply in bfloat16")
    parser.add_argument("--start-from", type=Path, help="continue from the model in this folder")
    parser.add_argument("--out", type=Path, default=MODEL_FOLDER)
    options = vars(parser.parse_args())
    folder, start_from = options.pop("out"), options.pop("start_from")
    plan = Plan(**options)
    torch.set_num_threads(plan.threads)
    torch.manual_seed(plan.seed)
    if start_from:
        tokenizer, model = load(start_from)
    else:
        tokenizer = train_tokenizer(num_texts=6_000, seed=plan.seed + 50)
        model = make_model(tokenizer)
    print(f"{model.num_parameters():,} parameters", flush=True)
    save(train(plan, tokenizer, model, folder / "checkpoint"), tokenizer, folder)
    print(f"saved to {folder}")


if __name__ == "__main__":
    main()
