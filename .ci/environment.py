"""Creates .venv with the dependencies of pyproject.toml, in the versions of constraints.txt.

    python3 .ci/environment.py [EXTRA ...]

Needs only the standard library of Python. Does nothing when .venv is up to date. Set
PIP_ARGUMENTS for more arguments of pip, for example an index of CPU builds of torch.
"""

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
OLDEST = (3, 11)
NEWEST_TRIED = 14


def main(extras):
    if sys.version_info < OLDEST:
        rerun_with_newer_python()
    stamp = VENV / ("stamp-" + "-".join(["run", *extras]))
    fingerprint = current_fingerprint()
    if stamp.is_file() and stamp.read_text() == fingerprint:
        return
    started = time.monotonic()
    make_venv()
    install(extras)
    for path in VENV.glob("stamp-*"):
        if path.read_text() != fingerprint:
            path.unlink()
    for path in {stamp, VENV / "stamp-run"}:  # an environment with extras can also run the system
        path.write_text(fingerprint)
    print(f"environment: ready after {time.monotonic() - started:.0f} s", flush=True)


def rerun_with_newer_python():
    for minor in range(OLDEST[1], NEWEST_TRIED + 1):
        newer = shutil.which(f"python3.{minor}")
        if newer:
            os.execv(newer, [newer, *sys.argv])
    sys.exit(
        f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed; `python3` is {sys.version.split()[0]}."
        "\nInstall it (Debian and Ubuntu: apt-get install python3.11 python3.11-venv; macOS: "
        "brew install python@3.11) and run the same command again."
    )


def current_fingerprint():
    digest = hashlib.sha256()
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((ROOT / name).read_bytes())
    # Another Python or another path of the checkout makes the environment invalid.
    digest.update(f"{sys.version} {VENV}".encode())
    return digest.hexdigest()


def make_venv():
    if works():
        return
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    print(f"environment: creating {VENV} with Python {version}", flush=True)
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(VENV)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if made.returncode != 0 or not works():
        sys.exit(
            f"Python {version} cannot make a virtual environment:\n{made.stdout.strip()}\n\n"
            f"Debian and Ubuntu package it separately: apt-get install python{version}-venv "
            "(as root), then run the same command again."
        )


def works():
    python = VENV / "bin" / "python"
    check = [str(python), "-c", "import pip, sys; print(sys.version)"]
    try:
        answer = subprocess.run(check, capture_output=True, text=True)
    except OSError:
        return False
    return answer.returncode == 0 and answer.stdout.strip() == sys.version


def install(extras):
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = list(project["dependencies"])
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    print(f"environment: installing {len(wanted)} packages and their dependencies", flush=True)
    command = [
        *(str(VENV / "bin" / "python"), "-m", "pip", "install"),
        *("--disable-pip-version-check", "--constraint", str(ROOT / "constraints.txt")),
        *shlex.split(os.environ.get("PIP_ARGUMENTS", "")),
        *wanted,
    ]
    pip = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    show_progress(pip.stdout)
    if pip.wait() != 0:
        sys.exit("environment: pip failed; its last output is above")


def show_progress(lines):
    """Prints the progress of pip, and its last lines after an error."""
    num, last_lines = 0, []
    for line in lines:
        words = line.split()
        last_lines = [*last_lines[-30:], line]
        if words[:1] == ["Collecting"]:
            num += 1
            print(f"environment: {num:3d} {words[1]}", flush=True)
        elif words[:1] == ["Downloading"] and words[-1] in ("MB)", "GB)"):
            print(f"environment:     {' '.join(words[-2:])}", flush=True)
        elif words[:2] == ["Installing", "collected"]:
            print(f"environment: unpacking {len(words) - 3} packages", flush=True)
        elif "ERROR" in line:
            print("".join(last_lines), end="", flush=True)
            last_lines = []


if __name__ == "__main__":
    main(sys.argv[1:])
