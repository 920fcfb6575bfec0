"""Looks into a folder of model files before anything is loaded, so that errors are plain."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

LFS_HEADER: Final = b"version https://git-lfs"
TOKENIZER_FILES: Final = (
    "tokenizer.json",
    "tokenizer.model",
    "vocab.json",
    "tokenizer_config.json",
)
_MAX_HEADER_BYTES: Final = 100_000_000  # as in the safetensors library
_LOADABLE: Final = frozenset({"F64", "F32", "F16", "BF16", "I64", "I32", "BOOL"})
_DTYPES: Final = frozenset({"float16", "bfloat16", "float32", "float64"})


def problem_of(folder: Path, *, needs_weights: bool) -> str:
    """What is wrong with the files of `folder` and the remedy; empty where nothing is seen.

    With `needs_weights` false only the configuration is read, and the tokenizer if present.
    """
    if not (folder / "config.json").is_file():
        return "no usable configuration: the folder has no config.json; correct the path"
    if pointer := next(_lfs_pointers(folder), None):
        return f"{pointer} is a Git LFS pointer, not the file itself; run `git lfs pull` there"
    if problem := _dtype_problem(folder / "config.json"):
        return problem
    if not needs_weights:
        return ""
    if problem := _weights_problem(folder):
        return problem
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        return "no usable tokenizer: the folder has none; copy tokenizer.json of the model into it"
    return ""


def _lfs_pointers(folder: Path) -> Iterator[str]:
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.stat().st_size < 1024:
            with path.open("rb") as file:
                if file.read(len(LFS_HEADER)) == LFS_HEADER:
                    yield path.name


def _dtype_problem(config: Path) -> str:
    """A stored type of numbers that this engine cannot compute with."""
    try:
        content: dict[str, Any] = json.loads(config.read_text())
    except (OSError, ValueError):
        return "no usable configuration: config.json is not JSON; copy it again"
    quantised = content.get("quantization_config")
    if isinstance(quantised, dict):
        kind = quantised.get("quant_method", "?")
        return (
            f"the weights are quantised ({kind}), which this engine cannot load; "
            "choose a copy in float16, bfloat16 or float32"
        )
    dtype = content.get("dtype", content.get("torch_dtype"))
    if dtype is not None and str(dtype).removeprefix("torch.") not in _DTYPES:
        return (
            f"config.json names the type {str(dtype)!r}; "
            "choose a copy in float16, bfloat16 or float32"
        )
    return ""


def _weights_problem(folder: Path) -> str:
    names = _weight_files(folder)
    if not names:
        return "no usable weights: the folder has no *.safetensors and no pytorch_model.bin"
    for name in names:
        path = folder / name
        if not path.is_file():
            return f"{name} is missing; copy or download the model again"
        if path.suffix == ".safetensors" and (problem := _safetensors_problem(path)):
            return problem
    return ""


def _weight_files(folder: Path) -> list[str]:
    """The files that hold the weights; those of an index where there is one."""
    for index in sorted(folder.glob("*.index.json")):
        try:
            return sorted(set(json.loads(index.read_text())["weight_map"].values()))
        except (ValueError, KeyError, AttributeError):
            return [f"the list in {index.name}"]
    kinds = ("*.safetensors", "pytorch_model*.bin")
    return sorted(path.name for kind in kinds for path in folder.glob(kind))


def _safetensors_problem(path: Path) -> str:
    """Compares the size of a file with what its header says, and reads the types of numbers."""
    again = "copy or download it again"
    size = path.stat().st_size
    with path.open("rb") as file:
        header_size = int.from_bytes(file.read(8), "little")
        if header_size > min(size - 8, _MAX_HEADER_BYTES):
            return f"{path.name} is incomplete or damaged ({size} bytes); {again}"
        try:
            header: dict[str, Any] = json.loads(file.read(header_size))
            tensors = [entry for name, entry in header.items() if name != "__metadata__"]
            ends = [int(tensor["data_offsets"][1]) for tensor in tensors]
            dtypes = {str(tensor["dtype"]) for tensor in tensors}
        except (ValueError, KeyError, TypeError, IndexError):
            return f"{path.name} is incomplete or damaged ({size} bytes); {again}"
    expected = 8 + header_size + max(ends, default=0)
    if size != expected:
        return f"{path.name} is incomplete: it has {size} bytes instead of {expected}; {again}"
    if unknown := sorted(dtypes - _LOADABLE):
        return (
            f"the weights in {path.name} are stored as {unknown[0]}, which this engine cannot "
            "load; choose a copy in float16, bfloat16 or float32"
        )
    return ""
