"""A real vLLM server with the embedded model, for `make test-vllm` and `bench/peers.py`.

VLLM_PYTHON names the Python of an environment that has vLLM. CONTRIBUTING.md says how to make one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

import httpx

from llm_worker.engine.prompt import CASE_MARK, GUIDANCE_MARK
from triage_site.embedded_redis import free_port

ROOT: Final = Path(__file__).resolve().parents[2]
EMBEDDED: Final = ROOT / "llm_worker" / "models" / "embedded"
MODEL_NAME: Final = "embedded"
START_SECONDS: Final = 600.0
# The embedded model has no template of its own: the words of a chat get the marks of its prompts.
CHAT_TEMPLATE: Final = (
    "{% for m in messages %}{% if m.role == 'user' %}"
    f"{CASE_MARK}\n{{{{ m.content }}}}\n{GUIDANCE_MARK}\n"
    "{% elif m.role == 'assistant' %}{{ m.content }}{% endif %}{% endfor %}"
)


def vllm_python() -> str:
    """Empty when no environment with vLLM is named."""
    return os.environ.get("VLLM_PYTHON", "")


class VllmServer:
    """A context manager. `kill` and `start` imitate a server that fails and comes back."""

    def __init__(
        self,
        folder: Path,
        *,
        num_slots: int,
        policy: Literal["priority", "fcfs"] = "priority",
        has_template: bool = True,
    ) -> None:
        self._folder, self._num_slots = folder, num_slots
        self._policy, self._has_template = policy, has_template
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        try:
            self.start()
            self.wait_until_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    def start(self) -> None:
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command()],
                env={
                    **os.environ,
                    "VLLM_CPU_KVCACHE_SPACE": "1",
                    "VLLM_CPU_NUM_OF_RESERVED_CPU": "1",  # for what `_part_cores` says
                    "HF_HUB_OFFLINE": "1",
                    "VLLM_NO_USAGE_STATS": "1",
                    "VLLM_SERVER_DEV_MODE": "1",  # bench/peers.py empties the prefix cache
                },
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process is None or self._process.poll() is not None:
                raise RuntimeError(f"vLLM does not start:\n{self.log_path.read_text()[-3000:]}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"vLLM is not ready:\n{self.log_path.read_text()[-3000:]}")
            time.sleep(0.3)
        self._part_cores()

    def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    @property
    def log_path(self) -> Path:
        return self._folder / f"vllm-{self._port}.log"

    def _part_cores(self) -> None:
        """The process that streams gets the last core, the one that computes the others.

        While it waits for its worker, vLLM's engine core spins. On two cores it kept the streaming
        process from running: 12 of 16 answers of 100 tokens came in one piece, and with parted
        cores none.
        """
        assert self._process is not None
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < 2:
            return
        for pid in _group(self._process.pid):
            if _name(pid).startswith("VLLM::EngineCor"):
                _pin(pid, cores[:-1])
        _pin(self._process.pid, cores[-1:])

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.base_url}/health", timeout=1, trust_env=False).is_success
        except httpx.HTTPError:
            return False

    def _command(self) -> list[str]:
        template: list[str] = []
        if self._has_template:
            path = self._folder / "template.jinja"
            path.write_text(CHAT_TEMPLATE)
            template = ["--chat-template", str(path)]
        return [
            *(vllm_python(), "-m", "vllm.entrypoints.openai.api_server"),
            *("--model", str(EMBEDDED), "--served-model-name", MODEL_NAME),
            *("--host", "127.0.0.1", "--port", str(self._port)),
            *("--scheduling-policy", self._policy, "--max-num-seqs", str(self._num_slots)),
            *("--max-model-len", "2048", "--dtype", "float32", "--enforce-eager"),
            *template,
        ]


def _group(leader: int) -> list[int]:
    """The processes of the group of `leader`."""
    pids = [int(one.name) for one in Path("/proc").iterdir() if one.name.isdecimal()]
    return [pid for pid in pids if _group_of(pid) == leader]


def _group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return -1


def _name(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text()


def _pin(pid: int, cores: list[int]) -> None:
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), cores)
