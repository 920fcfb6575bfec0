"""Writes the hash-pinned lists of packages that the container installs.

    make lock

Needs `uv` of the extra `dev`. `requirements/production.txt` holds everything but torch, for Linux
and Python 3.11 as in the Dockerfile. torch comes in two builds with the same version:
`torch-cuda.txt` from PyPI, with NVIDIA's libraries, and `torch-cpu.txt` from the index that
pytorch.org names. Set TORCH_CPU_INDEX to the arguments of another place for the CPU build, for
example `--no-index --find-links FOLDER`.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "requirements"
PYTHON = "3.11.14"
CPU_INDEX = "--index-url https://download.pytorch.org/whl/cpu"
CPU_PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_28_aarch64")
HEAD = "# Written by `make lock`. Do not edit.\n"
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = _compiled(project["dependencies"])
    cuda = {name for name in found if name.startswith(("torch", "triton", "nvidia-", "cuda-"))}
    _write("production.txt", [text for name, text in found.items() if name not in cuda])
    _write("torch-cuda.txt", [found[name] for name in sorted(cuda)])
    version = f"{found['torch'].split()[0]}+cpu"
    hashes = [f"    --hash=sha256:{one}" for one in _hashes_of_cpu_build(version)]
    if not hashes:
        sys.exit(f"lock: {version} was not found; torch-cpu.txt stays as it is")
    words = f"# Installed with {CPU_INDEX}\n"
    _write("torch-cpu.txt", [" \\\n".join([version, *hashes])], words)


def _compiled(wanted: list[str]) -> dict[str, str]:
    """Each pinned package with the hashes of all its files, by name.

    Neither settings of this machine nor addresses of its index get into the text.
    """
    command = [
        *(str(ROOT / ".venv" / "bin" / "uv"), "pip", "compile", "--quiet", "--no-config"),
        *("--generate-hashes", "--no-annotate", "--no-header", "--python-version", PYTHON),
        *("--python-platform", "linux", "--constraints", str(ROOT / "constraints.txt"), "-"),
    ]
    done = subprocess.run(
        command, input="\n".join(wanted), stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit("lock: uv failed; its words are above")
    entries = re.split(r"\n(?=[A-Za-z0-9])", done.stdout.strip())
    return {_NAME.findall(entry)[0]: entry for entry in entries}


def _hashes_of_cpu_build(version: str) -> list[str]:
    """Of the wheel for each platform that the index has. Each is downloaded to be hashed."""
    arguments = shlex.split(os.environ.get("TORCH_CPU_INDEX", CPU_INDEX))
    hashes = []
    for platform in CPU_PLATFORMS:
        with tempfile.TemporaryDirectory() as folder:
            command = [
                *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
                *("--only-binary", ":all:", "--platform", platform, "--python-version", "3.11"),
                *("--dest", folder, *arguments, version),
            ]
            subprocess.run(command, check=False)
            files = list(Path(folder).glob("*.whl"))
            if not files:
                print(f"lock: no {version} for {platform}")
            for file in files:
                with file.open("rb") as content:
                    hashes.append(hashlib.file_digest(content, "sha256").hexdigest())
    return hashes


def _write(name: str, entries: list[str], words: str = "") -> None:
    (FOLDER / name).write_text(HEAD + words + "\n".join(entries) + "\n")
    print(f"lock: {len(entries)} packages in requirements/{name}")


if __name__ == "__main__":
    main()
