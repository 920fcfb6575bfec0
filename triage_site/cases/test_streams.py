"""Live streams over real HTTP and real Redis: order, resume, reset, access."""

from __future__ import annotations

import asyncio
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from queue import Empty, Queue
from typing import Any

import httpx
import pytest
import redis
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.asgi import get_asgi_application
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from scheduling import connection
from scheduling import services as scheduling
from scheduling.claimed import finish_job
from scheduling.models import Job
from scheduling.queue import events
from tests.factories import make_case, make_user
from triage_site.cases import services, streams
from triage_site.cases.board_changes import unpacked
from triage_site.cases.models import Case
from triage_site.cases.sse import sse


@dataclass(frozen=True)
class Sent:
    event: str
    data: str
    id: str | None


class Page:
    """The events that a browser receives on one stream, read in a thread."""

    def __init__(self, response: httpx.Response) -> None:
        self.received: Queue[Sent] = Queue()
        self._response = response
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """Closes the connection. A close alone would wait for the thread that reads from it."""
        stream = self._response.extensions["network_stream"]
        with suppress(OSError):  # the server has closed it
            stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=30)

    def _read(self) -> None:
        fields: dict[str, Any] = {"data": []}
        try:
            for line in self._response.iter_lines():
                name, _, value = line.partition(": ")
                if line == "" and "event" in fields:
                    data = "\n".join(fields["data"])
                    self.received.put(Sent(fields["event"], data, fields.get("id")))
                if line == "":
                    fields = {"data": []}
                elif name == "data":
                    fields["data"].append(value)
                elif name in ("event", "id"):
                    fields[name] = value
        except httpx.HTTPError:
            return

    def next(self, event: str, seconds: float = 30.0) -> Sent:
        """Returns the next event of that name; other events before it are skipped."""
        while True:
            try:
                sent = self.received.get(timeout=seconds)
            except Empty:
                pytest.fail(f"no event {event!r} within {seconds} s")
            if sent.event == event:
                return sent


def signed_in(user: User) -> dict[str, str]:
    client = Client()
    client.force_login(user)
    return {"Cookie": f"sessionid={client.cookies['sessionid'].value}"}


@contextmanager
def watching(url: str, user: User, **headers: str) -> Iterator[Page]:
    with (
        httpx.Client(timeout=30) as client,
        client.stream("GET", url, headers={**signed_in(user), **headers}) as response,
    ):
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream"
        page = Page(response)
        try:
            yield page
        finally:
            page.leave()


def running_case(text: str = "sore toe") -> tuple[Case, Job]:
    now = timezone.now()
    case = make_case(text)
    services.classify_without_model(case.id, why="test", now=now)
    (one,) = scheduling.claim_jobs("w", 1, now=now, model_name="m")
    return case, one.job


def write(job: Job, text: str, attempt: int = 1) -> None:
    events.append_tokens(connection.client(), str(job.id), attempt, text, 1)


def test_the_encoding_keeps_line_breaks() -> None:
    assert (
        sse("token", "a\r\nb\n", "1/2-0")
        == b"event: token\nid: 1/2-0\ndata: a\ndata: b\ndata: \n\n"
    )


def test_the_board_is_sent_when_a_case_arrives(live_app: str) -> None:
    user = make_user()
    with watching(f"{live_app}/live/board/", user) as page:
        page.next("board")
        case = make_case("bee sting in the garden")
        services.classify_without_model(case.id, why="test", now=timezone.now())
        for _ in range(5):
            if "bee sting" in str(unpacked(page.next("changes").data)):
                return
    pytest.fail("the board never showed the case")


def test_tokens_arrive_one_at_a_time_and_escaped(live_app: str) -> None:
    case, job = running_case()
    with watching(f"{live_app}/live/cases/{case.id}/", make_user()) as page:
        page.next("case")
        for number in range(6):
            write(job, f"word{number} <b>")
            token = page.next("token")
            assert f"word{number} &lt;b&gt;" in token.data
        events.finish_stream(connection.client(), str(job.id), "done", attempt=1)
        assert page.next("end").data == "done"


def test_a_late_page_gets_everything_from_the_start(live_app: str) -> None:
    case, job = running_case()
    write(job, "first ")
    write(job, "second ")
    with watching(f"{live_app}/live/cases/{case.id}/", make_user()) as page:
        page.next("reset")
        assert "first" in page.next("token").data
        assert "second" in page.next("token").data


def test_a_page_resumes_after_its_last_event(live_app: str) -> None:
    case, job = running_case()
    user = make_user()
    write(job, "first ")
    with watching(f"{live_app}/live/cases/{case.id}/", user) as page:
        seen = page.next("token").id
    write(job, "second ")
    assert seen is not None
    resumed = {"Last-Event-ID": seen}
    with watching(f"{live_app}/live/cases/{case.id}/", user, **resumed) as page:
        sent = page.next("token")
        assert "second" in sent.data
        assert "first" not in sent.data


def test_a_new_attempt_resets_the_text_of_the_old_one(live_app: str) -> None:
    case, job = running_case()
    with watching(f"{live_app}/live/cases/{case.id}/", make_user()) as page:
        write(job, "old ", attempt=1)
        page.next("token")
        events.begin_stream(connection.client(), str(job.id), 2)
        write(job, "new ", attempt=2)
        page.next("reset")
        assert "new" in page.next("token").data


def test_a_page_opened_before_classification_gets_the_tokens(live_app: str) -> None:
    case = make_case()
    with watching(f"{live_app}/live/cases/{case.id}/", make_user()) as page:
        page.next("case")
        services.classify_without_model(case.id, why="test", now=timezone.now())
        (one,) = scheduling.claim_jobs("w", 1, now=timezone.now(), model_name="m")
        write(one.job, "hello ")
        assert "hello" in page.next("token").data


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        (None, "board", 403),
        ("auditor", f"cases/{uuid.UUID(int=1)}", 404),
        ("auditor", "cases/nonsense", 404),
        ("auditor", "elsewhere", 404),
    ],
)
def test_access_is_checked(live_app: str, role: str | None, path: str, status: int) -> None:
    headers = signed_in(make_user(role))
    assert httpx.get(f"{live_app}/live/{path}/", headers=headers).status_code == status


def test_anonymous_clients_are_refused(live_app: str) -> None:
    case = make_case()
    assert httpx.get(f"{live_app}/live/board/").status_code == 401
    assert httpx.get(f"{live_app}/live/cases/{case.id}/").status_code == 401


ENDINGS: dict[str, Callable[[User], Any]] = {
    "sign-out": lambda user: Session.objects.all().delete(),
    "inactivity": lambda user: Session.objects.update(
        expire_date=timezone.now() - timedelta(seconds=1)
    ),
    "deactivation": lambda user: User.objects.filter(id=user.id).update(is_active=False),
    "another role": lambda user: user.groups.clear(),
    "another password": lambda user: User.objects.filter(id=user.id).update(password="other"),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_stream_ends_with_its_access(live_app: str, ending: str) -> None:
    user = make_user()
    with (
        watching(f"{live_app}/live/board/", user) as page,
        watching(f"{live_app}/live/board/", make_user()) as other,
    ):
        page.next("board")
        ENDINGS[ending](user)
        page.next("signed-out", seconds=20)
        if ending in ("deactivation", "another role", "another password"):
            make_case("a case for the others")
            other.next("changes")


def test_streams_have_the_rules_of_pages(live_app: str) -> None:
    headers = signed_in(make_user())
    url = f"{live_app}/live/board/"
    with httpx.Client(headers=headers, timeout=30) as client:
        assert client.get(url, headers={"Host": "evil.example"}).status_code == 400
        assert client.post(url).status_code == 403  # no token against forged requests
        assert client.request("DELETE", url).status_code == 403
        assert client.head(url).status_code == 405
        with client.stream("GET", url) as answer:
            page = client.get(f"{live_app}/")
            for name in ("content-security-policy", "x-frame-options", "referrer-policy"):
                assert answer.headers[name] == page.headers[name]
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "no-store" in answer.headers["cache-control"]


def test_streams_go_to_https_where_pages_do(live_app: str, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    handler = get_asgi_application()
    sent: list[Any] = []

    async def ask() -> None:
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/live/board/",
            "query_string": b"",
            "headers": [(b"host", b"localhost")],
        }

        async def send(message: Any) -> None:
            sent.append(message)

        await streams.serve_stream(scope, send, send, None, handler)  # type: ignore[arg-type]

    asyncio.run(ask())
    assert sent[0]["status"] == 301
    assert (b"Location", b"https://localhost/live/board/") in sent[0]["headers"]


@pytest.mark.parametrize(
    "last_id", ["1/x", "x/1/x", "/1/9-9x", "////", "1/-", "²/1-1", "1/99999999999999999999999-1"]
)
def test_a_damaged_event_id_stops_no_page(live_app: str, last_id: str) -> None:
    case, job = running_case()
    first = str(job.id).partition("-")[0]
    write(job, "first ")
    url, header = f"{live_app}/live/cases/{case.id}/", last_id.encode("utf-8")
    with watching(url, make_user()) as other:
        other.next("token")
        for value in (header, f"{first}/".encode() + header):
            with (
                httpx.Client(timeout=30) as client,
                client.stream(
                    "GET",
                    url,
                    headers=[
                        *((k.encode(), v.encode()) for k, v in signed_in(make_user()).items()),
                        (b"Last-Event-ID", value),
                    ],
                ) as response,
            ):
                page = Page(response)
                assert "first" in page.next("token").data
        write(job, "second ")
        assert "second" in other.next("token").data


def test_a_damaged_token_stream_stops_no_other_page(live_app: str) -> None:
    case, job = running_case()
    damaged_case, damaged = running_case("sore knee")
    write(job, "first ")
    connection.client().set(events.tokens_key(str(damaged.id)), "not a stream")
    with (
        watching(f"{live_app}/live/cases/{damaged_case.id}/", make_user()) as page,
        watching(f"{live_app}/live/cases/{case.id}/", make_user()) as other,
    ):
        page.next("case")
        assert "first" in other.next("token").data
        write(job, "second ")
        assert "second" in other.next("token").data


def pieces_of(*texts: str) -> list[events.Piece]:
    """The start of an attempt and its words, with the ids that a worker gives them."""
    words = [events.Piece(attempt=1, text=text, id=f"7-{n}") for n, text in enumerate(texts, 2)]
    return [events.Piece(attempt=1, id="7-1"), *words]


def test_a_flush_in_mid_stream_takes_no_word_from_any_page(
    live_app: str, redis_client: redis.Redis
) -> None:
    case, job = running_case()
    sent, user = pieces_of("one ", "two ", "three "), make_user()
    url = f"{live_app}/live/cases/{case.id}/"
    events.write_stream(redis_client, str(job.id), sent[:2])
    with watching(url, user) as page:
        assert "one" in page.next("token").data
        redis_client.flushdb()
        events.write_stream(redis_client, str(job.id), [sent[2]], before=sent[:2])
        assert "two" in page.next("token").data
        with watching(url, user) as later:
            assert "one" in later.next("token").data
            assert "two" in later.next("token").data
        events.write_stream(redis_client, str(job.id), [sent[3]], before=sent[:3])
        assert "three" in page.next("token").data


def test_the_end_of_an_answer_whose_stream_was_lost_is_shown_from_sql(
    live_app: str, redis_client: redis.Redis
) -> None:
    case, job = running_case()
    user = make_user()
    events.write_stream(redis_client, str(job.id), pieces_of("Situation: "))
    with watching(f"{live_app}/live/cases/{case.id}/", user) as page:
        assert "Situation" in page.next("token").data
        redis_client.flushdb()
        answer: Any = {"output": "sore toe", "num_tokens": 4, "finish_reason": "eos"}
        assert finish_job(job.id, token=job.claim_token, now=timezone.now(), **answer)
        while 'data-ended="1"' not in page.next("case").data:
            pass
    client = Client()
    client.force_login(user)
    for shown in ("guidance", "case"):
        assert b"sore toe" in client.get(reverse(shown, args=[case.id])).content
