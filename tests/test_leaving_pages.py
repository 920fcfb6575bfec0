"""Pages that are left leave nothing behind in the web process."""

from __future__ import annotations

from tests.factories import make_user
from tests.fixtures import wait_until
from triage_site.asgi import application
from triage_site.cases.streams import PING_SECONDS
from triage_site.cases.test_streams import running_case, watching


def test_leaving_pages_frees_everything(live_app: str) -> None:
    case, _ = running_case()
    user = make_user()
    for _ in range(5):
        with (
            watching(f"{live_app}/live/cases/{case.id}/", user) as page,
            watching(f"{live_app}/live/board/", user) as board,
        ):
            page.next("case")
            board.next("board")
    hub = application._hub
    assert hub is not None
    # At the latest the next ping finds that the browser has gone.
    wait_until(lambda: hub.num_watchers() == 0, seconds=PING_SECONDS + 5, what="no page is left")
    assert dict(hub._watchers) == {}
    assert hub._pictures == {}
