"""Who may open what: every address and method of the URL configuration, by every role.

A new address or method fails here until it has a rule.
"""

from __future__ import annotations

from typing import Any, Final

import pytest
import redis
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.factories import make_case, make_user, token_of
from tests.site_map import addresses
from triage_site.audit.models import AuditRecord
from triage_site.cases.roles import ROLES, Action, may

pytestmark = pytest.mark.django_db

PUBLIC, PERSON = "public", "person"  # everybody; everybody with an account
CASE: Final = "cases/<uuid:case_id>"
COMPARISON: Final = "ops/comparisons/<uuid:comparison_id>"
API: Final = "api/v1/cases"
A = Action
RULES: dict[str, Action | str] = {
    "GET ": A.VIEW,
    "GET board/": A.VIEW,
    "GET board/wall/": A.VIEW,
    "GET board/wall/rows/": A.VIEW,
    "POST board/wall/end/": PUBLIC,  # forgets a cookie
    "GET cases/": A.VIEW,
    "POST cases/": A.VIEW,
    "POST preview/": A.SUBMIT,
    "POST stay/": A.VIEW,
    "GET cases/new/": A.SUBMIT,
    "POST cases/new/": A.SUBMIT,
    **{
        f"GET {CASE}/{one}": A.VIEW
        for one in ("", "panel/", "facts/", "guidance/", "print/", "order/")
    },
    **{
        f"{method} {CASE}/{one}/": action
        for method in ("GET", "POST")
        for one, action in {
            "override": A.OVERRIDE,
            "seen": A.CARE,
            "move": A.OPERATE,
            "close": A.CARE,
            "reopen": A.CARE,
            "vitals": A.SUBMIT,
            "note": A.SUBMIT,
        }.items()
    },
    f"POST {CASE}/proposal/": A.OVERRIDE,
    f"POST {CASE}/retry/": A.SUBMIT,
    **{f"{method} {CASE}/break-glass/": A.BREAK_GLASS for method in ("GET", "POST")},
    "GET live/cases/<uuid:case_id>/": A.VIEW,
    "GET live/<slug:name>/": A.VIEW,
    **{f"{method} {CASE}/transfer/": A.TRANSFER for method in ("GET", "POST")},
    "GET account/": PERSON,
    "GET account/password/": PERSON,
    "POST account/password/": PERSON,
    "GET account/second-factor/": PERSON,
    "POST account/second-factor/": PERSON,
    **{
        f"{method} account/{one}/": PERSON
        for method in ("GET", "POST")
        for one in ("second-factor/remove", "recovery-codes", "not-me")
    },
    "POST account/notices/acknowledge/": PERSON,
    "POST account/sessions/end/": PERSON,
    "POST account/tokens/make/": PERSON,
    "POST account/tokens/revoke/": PERSON,
    "GET ops/": A.CONSOLE,
    "POST ops/": A.OPERATE,
    "GET ops/preview/": A.OPERATE,
    "POST ops/undo/<int:change_id>/": A.OPERATE,
    "GET ops/state/": A.CONSOLE,
    "GET ops/series/": A.CONSOLE,
    "GET ops/queue/": A.CONSOLE,
    "POST ops/queue/": A.OPERATE,
    "GET ops/queue/state/": A.CONSOLE,
    "GET ops/replays/": A.CONSOLE,
    "POST ops/replays/": A.OPERATE,
    "GET ops/replays/state/": A.CONSOLE,
    "POST ops/replays/<uuid:replay_id>/stop/": A.OPERATE,
    "GET ops/replays/<uuid:replay_id>/remove/": A.OPERATE,
    "POST ops/replays/<uuid:replay_id>/remove/": A.OPERATE,
    "GET ops/comparisons/": A.CONSOLE,
    "POST ops/comparisons/": A.COMPARE,
    f"GET {COMPARISON}/": A.CONSOLE,
    f"GET {COMPARISON}/progress/": A.CONSOLE,
    f"POST {COMPARISON}/cancel/": A.COMPARE,
    f"GET {COMPARISON}/results.csv": A.CONSOLE,
    f"GET {COMPARISON}/results.json": A.CONSOLE,
    f"GET {COMPARISON}/load.csv": A.CONSOLE,
    "GET ops/openings/": A.REVIEW,
    "GET ops/openings/alerts/": A.ACKNOWLEDGE,
    "POST ops/openings/<int:opening_id>/acknowledge/": A.ACKNOWLEDGE,
    "POST ops/openings/<int:opening_id>/review/": A.REVIEW,
    "GET ops/audit/": A.AUDIT,
    "GET ops/audit/audit.csv": A.AUDIT,
    "GET ops/triage/": A.AUDIT,
    "GET ops/triage/signs/": A.AUDIT,
    "POST ops/triage/promote/": A.OPERATE,
    "POST ops/triage/undo/": A.OPERATE,
    "GET login/": PUBLIC,
    "POST login/": PUBLIC,
    "POST logout/": PUBLIC,
    "GET .well-known/security.txt": PUBLIC,
    "GET api/openapi.json": PUBLIC,  # outside demo mode for people: tests/test_web_rules.py
    "GET api/docs": PUBLIC,
    "GET metrics": A.CONSOLE,
    "GET readyz/": PUBLIC,  # details for A.CONSOLE: tests/test_health.py
    "GET api/": PUBLIC,  # answers 404
    "POST api/": PUBLIC,
    f"GET {API}": A.VIEW,
    f"POST {API}": A.SUBMIT,
    f"GET {API}/<case_id>": A.VIEW,
    f"GET {API}/<case_id>/fhir": A.VIEW,
    **{f"POST {API}/<case_id>/{one}": A.CARE for one in ("seen", "close", "reopen", "cancel")},
    **{f"POST {API}/<case_id>/{one}": A.SUBMIT for one in ("vitals", "notes")},
    **{f"POST {API}/<case_id>/{one}": A.OVERRIDE for one in ("override", "proposal")},
    f"POST {API}/<case_id>/move": A.OPERATE,
    f"POST {API}/<case_id>/transfer": A.TRANSFER,
    f"POST {API}/<case_id>/break-glass": A.BREAK_GLASS,
    f"GET {API}/<case_id>/moves": A.VIEW,
    "GET api/v1/admission": A.VIEW,
    "POST api/v1/admission": A.OPERATE,
    "GET api/v1/queue": A.VIEW,
    "GET api/v1/policy": A.VIEW,
    "POST api/v1/policy": A.OPERATE,
    "POST api/v1/comparisons": A.COMPARE,
    "GET api/v1/comparisons/<comparison_id>": A.CONSOLE,
    "GET api/v1/comparisons/<comparison_id>/load": A.CONSOLE,
    "POST api/v1/comparisons/<comparison_id>/cancel": A.COMPARE,
    "POST api/v1/uploads": A.COMPARE,
    "POST ops/comparisons/uploads/<uuid:upload_id>/remove/": A.COMPARE,
    # DELETE api/v1/uploads/<upload_id>: triage_site/ops/comparisons/test_uploads.py
}
# A body that the API can read, so that it comes to ask for the right. All else is sent empty.
BODIES: dict[str, Any] = {
    f"POST {API}": {"text": "cough"},
    f"POST {API}/<case_id>/seen": {},
    f"POST {API}/<case_id>/reopen": {},
    f"POST {API}/<case_id>/close": {"disposition": "discharged"},
    f"POST {API}/<case_id>/notes": {"text": "better"},
    f"POST {API}/<case_id>/vitals": {"hr_bpm": 80},
    f"POST {API}/<case_id>/override": {"priority": 2, "reason": "other", "note": "x"},
    f"POST {API}/<case_id>/proposal": {"decision": "accept"},
    f"POST {API}/<case_id>/cancel": {},
    f"POST {API}/<case_id>/move": {"steps": 0, "reason": "x"},
    f"POST {API}/<case_id>/break-glass": {"reason": "x"},
    f"POST {API}/<case_id>/transfer": {"department": "NONE", "reason": "x"},
    "POST api/v1/admission": {"paused": False, "reason": "x"},
    "POST api/v1/policy": {"policy": "semantic", "reason": "x"},
    "POST api/v1/comparisons": {"load": {"kind": "synthetic"}},
    "POST api/v1/comparisons/<comparison_id>/cancel": {},
}
ADDRESSES: Final = {one.pattern: one for one in addresses()}
ASKED: Final = [f"{method} {pattern}" for pattern in ADDRESSES for method in ("GET", "POST")]


def answer(client: Client, key: str, case_id: object, token: str = "") -> tuple[int, str]:
    """Returns the status, and where the answer leads."""
    method, _, pattern = key.partition(" ")
    path = ADDRESSES[pattern].path({"case_id": case_id})
    headers = {"Authorization": f"Bearer {token}"} if token and path.startswith("/api/") else None
    is_json = path.startswith("/api/") and key in BODIES
    more: dict[str, Any] = {"content_type": "application/json"} if is_json else {}
    data = BODIES[key] if is_json else None
    if path.endswith("/uploads"):
        data = {"file": SimpleUploadedFile("load.csv", b"no load")}
    send = client.post if method == "POST" else client.get
    got = send(path, data, headers=headers, **more)
    return got.status_code, got.headers.get("Location", "")


def test_every_address_has_a_rule_and_every_rule_an_address() -> None:
    user, case_id = make_user("charge nurse"), make_case().id
    client = Client()
    client.force_login(user)
    assert {key for key in ASKED if answer(client, key, case_id)[0] != 405} == set(RULES)


def test_strangers_open_nothing_but_the_sign_in(client: Client) -> None:
    case_id = make_case().id
    opened = []
    for key, rule in RULES.items():
        status, where = answer(client, key, case_id)
        is_refused = status in (401, 403) or (status == 302 and where.startswith("/login/"))
        if rule != PUBLIC and not is_refused:
            opened.append((key, status, where))
    assert opened == []
    assert not AuditRecord.objects.filter(kind__in=["viewed", "acted"]).exists()


@pytest.mark.parametrize("role", [None, *ROLES])
def test_each_role_opens_what_the_table_says(role: str | None, redis_client: redis.Redis) -> None:
    user = make_user(role)
    case_id = make_case().id
    token = token_of(user)
    wrong = []
    client = Client()
    client.force_login(user)
    for key, rule in RULES.items():
        if key in ("POST logout/", "POST account/not-me/"):  # both end the session
            continue
        status, where = answer(client, key, case_id, token)
        is_refused = status in (401, 403) or where.startswith("/login/")
        expected = isinstance(rule, Action) and not may(user, rule)
        if is_refused != expected:
            wrong.append((key, status, where))
    assert wrong == []


def test_a_deactivated_account_opens_nothing() -> None:
    user = make_user("charge nurse")
    token = token_of(user)
    client = Client()
    client.force_login(user)
    user.is_active = False
    user.save()
    case_id = make_case().id
    opened = [
        key
        for key, rule in RULES.items()
        if rule != PUBLIC and answer(client, key, case_id, token)[0] not in (302, 401, 403)
    ]
    assert opened == []
