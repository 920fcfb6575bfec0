"""Every answer of the running site carries the same headers, whoever made it."""

from __future__ import annotations

from http.client import HTTPConnection
from typing import Any

import httpx
import pytest
from django.test import Client

from tests.factories import make_user, token_of
from triage_site import asgi, health
from triage_site.body_limit import MAX_BYTES
from triage_site.cases import views
from triage_site.cases.preview_limit import previews

EXPECTED = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
STREAM = {"Accept": "text/event-stream"}


@pytest.fixture
def site(live_app: str) -> Any:
    with httpx.Client(base_url=live_app, timeout=30, trust_env=False) as client:
        yield client


def signed_in() -> dict[str, str]:
    client = Client()
    client.force_login(make_user("charge nurse"))
    return {"Cookie": f"sessionid={client.cookies['sessionid'].value}"}


def check(answer: httpx.Response) -> None:
    where = f"{answer.request.method} {answer.request.url} {answer.status_code}"
    for name, value in EXPECTED.items():
        assert answer.headers.get_list(name) == [value], where
    assert "default-src 'none'" in answer.headers["content-security-policy"], where
    assert len(answer.headers.get_list("content-security-policy")) == 1, where
    assert len(answer.headers.get_list("cache-control")) == 1, where
    assert "no-store" in answer.headers["cache-control"], where


def test_answers_of_every_kind(site: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    token = {"Authorization": f"Bearer {token_of(make_user())}"}
    mine, json = signed_in(), {"Content-Type": "application/json"}
    asked: list[tuple[int, str, str, dict[str, Any]]] = [
        (200, "GET", "/healthz/", {}),
        (200, "GET", "/readyz/", {}),
        (200, "GET", "/readyz/", {"headers": mine}),
        (200, "GET", "/login/", {}),
        (200, "GET", "/", {"headers": mine}),
        (200, "GET", "/api/v1/queue", {"headers": token}),
        (200, "GET", "/.well-known/security.txt", {}),
        (302, "GET", "/", {}),
        (400, "GET", "/", {"headers": {"Host": "evil.example"}}),
        (400, "POST", "/api/v1/cases", {"headers": {**token, **json}, "content": b"{"}),
        (
            415,
            "POST",
            "/api/v1/cases",
            {"headers": {**token, "Content-Type": "text/plain"}, "content": b"{"},
        ),
        (401, "GET", "/metrics", {}),
        (401, "GET", "/api/v1/queue", {}),
        (401, "GET", "/live/board/", {"headers": STREAM}),
        (403, "POST", "/login/", {}),
        (404, "GET", "/no/such/page/", {}),
        (404, "GET", "/static/no/such/file.js", {}),
        (404, "GET", "/api/v1/nothing", {"headers": token}),
        (404, "GET", "/live/nothing/", {"headers": {**mine, **STREAM}}),
        (405, "GET", "/logout/", {}),
        (405, "GET", "/api/v1/uploads", {"headers": token}),
        (422, "POST", "/api/v1/cases", {"headers": token, "json": {}}),
    ]
    for status, method, path, more in asked:
        site.cookies.clear()
        answer = site.request(method, path, **more)
        assert answer.status_code == status, f"{method} {path}"
        check(answer)

    monkeypatch.setattr(previews, "allows", lambda user_id: False)
    headers = {**mine, "X-CSRFToken": "a" * 32, "Cookie": f"{mine['Cookie']}; csrftoken={'a' * 32}"}
    site.cookies.clear()
    answer = site.post("/preview/", headers=headers)
    assert answer.status_code == 429
    check(answer)


@pytest.mark.parametrize("path", ["/login/", "/api/v1/cases"])
def test_a_body_that_is_too_large(live_app: str, path: str) -> None:
    check(too_large(live_app, path))


def too_large(live_app: str, path: str, **headers: str) -> httpx.Response:
    """The answer to a request whose body is only announced: it comes before the body."""
    url = httpx.URL(live_app)
    connection = HTTPConnection(url.host, url.port, timeout=30)
    try:
        length = {"Content-Length": str(MAX_BYTES + 1)}
        connection.request("POST", path, headers={**length, **headers})
        got = connection.getresponse()
        request = httpx.Request("POST", url.join(path))
        answer = httpx.Response(got.status, headers=got.getheaders(), request=request)
    finally:
        connection.close()
    assert answer.status_code == 413
    return answer


def test_static_files_may_be_kept(site: httpx.Client) -> None:
    answer = site.get("/static/icon.svg")
    assert answer.status_code == 200
    assert "no-store" not in answer.headers.get("cache-control", "")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_an_open_stream(site: httpx.Client) -> None:
    with site.stream("GET", "/live/board/", headers={**signed_in(), **STREAM}) as answer:
        assert answer.status_code == 200
        check(answer)


def test_errors_inside_and_outside_django(
    site: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("canary")

    mine = signed_in()
    with monkeypatch.context() as patch:
        patch.setattr(views, "build_board", fail)
        inside = site.get("/", headers=mine)
    with monkeypatch.context() as patch:
        patch.setattr(health, "ready", fail)
        first = site.get("/readyz/")  # in the second middleware
    with monkeypatch.context() as patch:
        patch.setattr(asgi, "serve_stream", fail)
        stream = site.get("/live/board/", headers={**mine, **STREAM})
        patch.setattr(asgi, "alive", fail)
        alive = site.get("/healthz/")
    for answer in (inside, first, stream, alive):
        assert answer.status_code == 500
        assert "canary" not in answer.text
        check(answer)


def test_a_site_behind_a_proxy_asks_for_https_in_every_answer(
    site: httpx.Client, live_app: str, settings: Any
) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_HSTS_SECONDS = 3600
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    secure = {"X-Forwarded-Proto": "https"}
    paths = ("/healthz/", "/readyz/", "/login/", "/no/such/page/", "/static/icon.svg")
    for path in (*paths, "/live/board/", "/api/v1/queue"):
        answer = site.get(path, headers=secure)
        expected = ["max-age=3600; includeSubDomains"]
        assert answer.headers.get_list("strict-transport-security") == expected, path
        assert "strict-transport-security" not in site.get(path).headers
    large = too_large(live_app, "/login/", **secure)
    assert large.headers["strict-transport-security"] == "max-age=3600; includeSubDomains"
