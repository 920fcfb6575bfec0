"""A small OpenAI-compatible HTTP server for tests. It answers with the words of the fake engine."""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from types import TracebackType
from typing import Any, Self

from llm_worker.engine.fake import WORDS, fake_token_ids
from llm_worker.engine.prompt import GUIDANCE_MARK

TOKEN_SECONDS = 0.003


class FakeServer:
    """Streams chat and plain completions. Words in the prompt change the behaviour:

    `refuse`: HTTP 400. `busy N`: HTTP 503 the first N times. `cut N`: each connection closes
    after N tokens. `rubbish`: the lines are not JSON. `late N`: the first token comes after N
    seconds. `end N`: the answer has N tokens.
    """

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.status = 200  # any other status is returned for every request
        self.sends_on_to = ""  # every request is redirected to this URL
        self.num_requests = 0
        self.sends_token_ids = True
        self.key = ""
        self.models = ["m"]
        self.max_model_len: int | None = None
        self.has_model_list = True
        self.has_chat_template = True
        self.goes_on = threading.Event()  # cleared: it accepts connections and sends nothing
        self.goes_on.set()
        self.num_slots: int | None = None  # answers at the same time; None for any number
        self.num_waited = 0  # requests that found no free slot
        self._slots = threading.Condition()
        self._num_running = 0
        self._numbers = count()
        self._waiting: list[tuple[int, int]] = []  # priority and a number, like vLLM
        self.unknown_fields: set[str] = set()  # a request with one of them is rejected
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.goes_on.wait()
                if not server.redirects(self):
                    server.list_models(self)

            def do_POST(self) -> None:
                server.goes_on.wait()
                if not server.redirects(self):
                    server.answer(self)

            def log_request(self, code: int | str = 0, size: int | str = 0) -> None:
                return

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.goes_on.set()
        self._http.shutdown()
        self._http.server_close()

    def redirects(self, handler: BaseHTTPRequestHandler) -> bool:
        self.num_requests += 1
        if self.sends_on_to:
            handler.send_response(307)
            handler.send_header("Location", f"{self.sends_on_to}{handler.path}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
        return bool(self.sends_on_to)

    def list_models(self, handler: BaseHTTPRequestHandler) -> None:
        status = self.status
        if handler.path != "/v1/models" or not self.has_model_list:
            status = 404
        elif not self._has_key(handler):
            status = 401
        length = {} if self.max_model_len is None else {"max_model_len": self.max_model_len}
        data = [{"id": name, **length} for name in self.models]
        _send_json(handler, status, {"object": "list", "data": data})

    def _refusal(self, handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> str:
        if handler.path not in ("/v1/chat/completions", "/v1/completions"):
            return "404 Not Found"
        if body["model"] not in self.models:
            return "404 The model does not exist."
        if "messages" in body and not self.has_chat_template:
            return "400 default chat template is no longer allowed"
        if unknown := self.unknown_fields & set(body):
            return f"400 Unrecognized request argument supplied: {min(unknown)}"
        return ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        if refusal := self._refusal(handler, body):
            code, _, reason = refusal.partition(" ")
            _send_json(handler, int(code), {"error": {"message": reason}})
            return
        prompt, prefix = _split(body)
        if not body["stream"]:
            self._answer_whole(handler, body, prompt)
            return
        self.bodies.append(body)
        status = self._status(handler, prompt)
        handler.send_response(status)
        handler.send_header("Content-Type", "text/event-stream")
        handler.end_headers()
        if status != 200:
            handler.wfile.write(b'{"error": "no"}')
            return
        try:
            handler.wfile.flush()
            if self._take_slot(handler, body.get("priority", 0)):
                try:
                    self._stream(handler, body, prompt, num_before=len(prefix.split()))
                finally:
                    self._give_slot()
        except OSError:  # the client has closed the connection
            return

    def _take_slot(self, handler: BaseHTTPRequestHandler, priority: int) -> bool:
        """Waits for a slot. Returns False when the client has gone meanwhile."""
        with self._slots:
            place = (priority, next(self._numbers))
            self._waiting.append(place)
            if self._is_full():
                self.num_waited += 1
            try:
                while self._is_full() or min(self._waiting) != place:
                    self._slots.wait(0.02)
                    if _is_gone(handler.connection):
                        return False
            finally:  # a place that is left over would keep all others waiting
                self._waiting.remove(place)
            self._num_running += 1
            self._slots.notify_all()
        return True

    def _is_full(self) -> bool:
        return self.num_slots is not None and self._num_running >= self.num_slots

    def _give_slot(self) -> None:
        with self._slots:
            self._num_running -= 1
            self._slots.notify_all()

    def _answer_whole(
        self, handler: BaseHTTPRequestHandler, body: dict[str, Any], prompt: str
    ) -> None:
        status = self._status(handler, prompt)
        ids = fake_token_ids(prompt, body["max_tokens"])
        choice: dict[str, Any] = {"index": 0, "finish_reason": "length"}
        choice |= {"message": {"content": "x"}} if "messages" in body else {"text": "x"}
        if self.sends_token_ids and body.get("return_token_ids"):
            choice["token_ids"] = ids
        _send_json(handler, status, {"choices": [choice]} if status == 200 else {"error": "no"})

    def _has_key(self, handler: BaseHTTPRequestHandler) -> bool:
        return not self.key or handler.headers.get("Authorization") == f"Bearer {self.key}"

    def _status(self, handler: BaseHTTPRequestHandler, prompt: str) -> int:
        if not self._has_key(handler):
            return 401
        if "refuse" in prompt:
            return 400
        times = sum(_split(body)[0] == prompt for body in self.bodies)
        if 0 < times <= _option(prompt, "busy"):
            return 503
        return self.status

    def _stream(
        self, handler: BaseHTTPRequestHandler, body: dict[str, Any], prompt: str, num_before: int
    ) -> None:
        end = _option(prompt, "end") or 10_000
        last = min(end, num_before + body["max_tokens"])
        cut = _option(prompt, "cut")
        ids = fake_token_ids(prompt, last)
        time.sleep(_option(prompt, "late"))
        for position in range(num_before, last):
            time.sleep(TOKEN_SECONDS)
            self.goes_on.wait()
            if cut and position - num_before >= cut:
                return
            if "rubbish" in prompt:
                handler.wfile.write(b"data: {{{\n\n")
                continue
            piece = WORDS[ids[position]] if position == 0 else f" {WORDS[ids[position]]}"
            self._send(handler, body, piece, [ids[position]], None)
        reason = "stop" if last == end else "length"
        self._send(handler, body, "", [len(WORDS)] if reason == "stop" else [], reason)
        handler.wfile.write(b"data: [DONE]\n\n")

    def _send(
        self,
        handler: BaseHTTPRequestHandler,
        body: dict[str, Any],
        text: str,
        token_ids: list[int],
        finish: str | None,
    ) -> None:
        choice: dict[str, Any] = {"index": 0, "finish_reason": finish}
        choice |= {"delta": {"content": text}} if "messages" in body else {"text": text}
        if self.sends_token_ids and body.get("return_token_ids"):
            choice["token_ids"] = token_ids
        handler.wfile.write(f"data: {json.dumps({'choices': [choice]})}\n\n".encode())
        handler.wfile.flush()


def _is_gone(connection: socket.socket) -> bool:
    readable, _, _ = select.select([connection], [], [], 0)
    try:
        return bool(readable) and connection.recv(1, socket.MSG_PEEK) == b""
    except ConnectionError:  # it was closed before all was read
        return True


def _send_json(handler: BaseHTTPRequestHandler, status: int, content: dict[str, Any]) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.end_headers()
    handler.wfile.write(json.dumps(content).encode())


def _split(body: dict[str, Any]) -> tuple[str, str]:
    """The prompt and the text of the answer so far."""
    if "messages" not in body:
        prompt, _, prefix = body["prompt"].partition(f"{GUIDANCE_MARK}\n")
        return prompt, prefix
    contents = {message["role"]: message["content"] for message in body["messages"]}
    return contents["user"], contents.get("assistant", "")


def _option(prompt: str, name: str) -> int:
    words = prompt.split()
    return int(words[words.index(name) + 1]) if name in words else 0
