"""Every error of the HTTP API is JSON: `{"errors": [{"field": ..., "reason": ...}]}`.

Reasons name what was expected; they never repeat a value, which may be a patient's words.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.parser import Parser

from triage_site.cases.services import Conflict
from triage_site.cases.submission_limit import TooMany

PREFIX: Final = "/api/"
_MAX_FIELD_CHARACTERS: Final = 80
_WORDS: Final = {
    400: "the body is not valid JSON",
    404: "no such address",
    405: "this address does not take that method",
    413: "the body is too large",
    415: "the content type is another one than this address takes",
    500: "something went wrong here; it is in the log",
}
_UNKNOWN_NAME: Final = "unknown_name"
_TWICE: Final = "given_twice"
# What a field must be, by the type of pydantic's error up to its first underscore or as a whole.
_MUST_BE: Final = {
    "missing": "is missing",
    "extra_forbidden": "no such field",
    _UNKNOWN_NAME: "no such parameter",
    _TWICE: "is given twice",
    "int": "must be a whole number",
    "float": "must be a number",
    "bool": "must be true or false",
    "string_type": "must be text",
    "list": "must be a list",
    "dict": "must be an object",
    "model": "must be an object",
    "uuid": "must be an id of 32 hexadecimal digits",
}
Item = dict[str, str]


class ApiError(Exception):
    """Answered as JSON with `status`."""

    def __init__(self, status: int, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.status = status
        self.field = field
        self.reason = reason


def field_error(error: ValueError) -> ApiError:
    """Services say "field: reason". 409 where the case is not in the state for it, else 422."""
    field, _, reason = str(error).partition(": ")
    status = 409 if isinstance(error, Conflict) else 422
    return ApiError(status, field, reason or str(error))


def refuse_names(request: HttpRequest, known: type[Schema] | None) -> None:
    """Raises ValidationError where the address has a parameter that `known` has not, or one twice:
    ignored, a filter with a typing error would answer with all rows."""
    names = set() if known is None else set(known.model_fields)
    faults = {
        name: _UNKNOWN_NAME if name not in names else _TWICE
        for name, values in request.GET.lists()
        if name not in names or len(values) > 1
    }
    if faults:
        errors = [{"type": kind, "loc": ("query", one)} for one, kind in sorted(faults.items())]
        raise ValidationError(errors)


class Strict(Parser):
    """Of a name that stands twice in an object nobody knows which value is meant."""

    def parse_body(self, request: HttpRequest) -> Any:
        return json.loads(request.body, object_pairs_hook=_without_repeats)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ApiError(422, name[:_MAX_FIELD_CHARACTERS], _MUST_BE[_TWICE])
        found[name] = value
    return found


def install(api: NinjaAPI) -> None:
    """Makes `api` answer its errors in this form."""
    handlers: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
        ApiError: lambda request, error: answer(error.status, error.field, error.reason),
        TooMany: _on_too_many,
        AuthenticationError: _on_stranger,
        ValidationError: _on_invalid,
        HttpError: _on_http_error,
        Http404: lambda request, error: _plain(404),
    }
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)


def answer(status: int, field: str, reason: str) -> HttpResponse:
    return _json(status, [{"field": field, "reason": reason}])


class ApiErrorsMiddleware:
    """Errors that never reached the API, such as an unknown address or a wrong method."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        if response.status_code < 400 or is_json or not request.path_info.startswith(PREFIX):
            return response
        plain = _plain(response.status_code)
        if "Allow" in response.headers:
            plain["Allow"] = response.headers["Allow"]
        return plain


def _on_http_error(request: HttpRequest, error: Any) -> HttpResponse:
    cause = error.__cause__  # what our own parser said of the body
    if isinstance(cause, ApiError):
        return answer(cause.status, cause.field, cause.reason)
    return _plain(error.status_code)


def _on_too_many(request: HttpRequest, error: TooMany) -> HttpResponse:
    response = answer(429, error.field, error.reason)
    if error.wait_seconds is not None:
        response["Retry-After"] = str(error.wait_seconds)
    return response


def _on_stranger(request: HttpRequest, error: Any) -> HttpResponse:
    plain = answer(401, "authorization", "send a valid token as `Authorization: Bearer ...`")
    plain["WWW-Authenticate"] = "Bearer"
    return plain


def _on_invalid(request: HttpRequest, error: Any) -> HttpResponse:
    return _json(422, [_item(one) for one in error.errors])


def _item(error: dict[str, Any]) -> Item:
    field = str(error["loc"][-1])[:_MAX_FIELD_CHARACTERS]
    kind = str(error.get("type", ""))
    words = _MUST_BE.get(kind) or _MUST_BE.get(kind.partition("_")[0])
    reason = words or str(error["msg"]).removeprefix("Value error, ")
    return {"field": field, "reason": reason}


def _plain(status: int) -> HttpResponse:
    field = {400: "body", 404: "address", 405: "method", 413: "body"}.get(status, "request")
    reason = _WORDS.get(status) or HTTPStatus(status).phrase.lower()
    return answer(status, field, reason)


def _json(status: int, items: Sequence[Item]) -> HttpResponse:
    return JsonResponse({"errors": list(items)}, status=status)
