"""Finds out whether a server can be used, and how, before any case is given to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import httpx

from llm_worker.engine.protocol import EngineUnavailable
from llm_worker.engine.remote.api import (
    Dialect,
    RemoteSettings,
    api_urls,
    assumed_dialect,
    request_body,
)

TOTAL_SECONDS: Final = 4.5
_BUSY_STATUSES: Final = frozenset({429, 503})
_NO_SUCH_PATH: Final = frozenset({404, 405, 501})
_MAX_NAMES: Final = 8  # of served models in a sentence
_MAX_REASON: Final = 160  # characters of the server's own words


class _Busy(Exception):
    """The server is there but did not answer in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    status: int
    reason: str

    def __str__(self) -> str:
        return f"HTTP {self.status}: {self.reason}".removesuffix(": ")


def probe(
    settings: RemoteSettings, clock: Callable[[], float], *, known: Dialect | None = None
) -> Dialect:
    """Returns how to speak to the server. Takes less than five seconds.

    `known` is the result of an earlier probe: it is tried first, and stays where the server is
    only busy. Raises EngineUnavailable.
    """
    until = clock() + TOTAL_SECONDS
    # Without redirects: neither the key nor a word goes to an address that nobody set.
    with httpx.Client(headers=settings.headers, follow_redirects=False) as client:
        prober = _Probe(settings, client, lambda: max(0.2, until - clock()))
        try:
            return prober.run(known)
        except _Busy:
            if known is not None:
                return known
            raise EngineUnavailable(
                f"TRIAGE_REMOTE_URL: the server at {public(settings.base_url)} did not answer one "
                f"token within {TOTAL_SECONDS:g} s; it hangs, is overloaded or loads its model"
            ) from None


def public(url: str) -> str:
    """The URL without a user's name and password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


class _Probe:
    def __init__(
        self, settings: RemoteSettings, client: httpx.Client, seconds_left: Callable[[], float]
    ) -> None:
        self._settings, self._client, self._seconds_left = settings, client, seconds_left
        self._at = public(settings.base_url)

    def run(self, known: Dialect | None) -> Dialect:
        start = assumed_dialect(self._settings)
        urls = list(api_urls(self._settings.base_url))
        for url in list(urls):
            models = self._served(url)
            if models is not None:
                urls = [url]
                start = replace(start, max_context_tokens=self._context(models))
                break
        tried = [known] if known is not None and known.api_url in urls else []
        for url in urls:
            tried += _dialects(replace(start, api_url=url), self._settings)
        return self._first_accepted(tried)

    # -- the list of models

    def _served(self, api_url: str) -> list[dict[str, Any]] | None:
        """The models of the server; None where the address has no such list."""
        response = self._send("GET", f"{api_url}/models")
        refusal = _refusal(response)
        if refusal is None:
            return self._checked(response)
        if refusal.status in (401, 403):
            raise self._wrong_key(refusal)
        if refusal.status in _NO_SUCH_PATH:
            return None
        if refusal.status in _BUSY_STATUSES:
            raise _Busy
        raise self._unusable(refusal)

    def _checked(self, response: httpx.Response) -> list[dict[str, Any]] | None:
        try:
            models = [one for one in response.json()["data"] if isinstance(one["id"], str)]
        except (ValueError, KeyError, TypeError):
            return None
        names = [one["id"] for one in models]
        if names and self._settings.model not in names:
            more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
            raise EngineUnavailable(
                f"TRIAGE_REMOTE_MODEL: the server at {self._at} has no model "
                f"{self._settings.model!r}; it serves {', '.join(names[:_MAX_NAMES])}{more}"
            )
        return models

    def _context(self, models: list[dict[str, Any]]) -> int | None:
        """Tokens of the model's context, where the server tells them, as vLLM does."""
        wanted = self._settings.max_context_tokens
        for model in models:
            told = model.get("max_model_len")
            if model["id"] == self._settings.model and isinstance(told, int):
                self._check_context(told)
                return told if wanted is None else min(told, wanted)
        return wanted

    def _check_context(self, told: int) -> None:
        needed = self._settings.min_context_tokens
        if told < needed:
            raise EngineUnavailable(
                f"TRIAGE_MAX_NEW_TOKENS: an answer and its prompt need {needed} tokens, but the "
                f"context of the server at {self._at} has {told}; lower it by {needed - told}, or "
                "give the server a longer context"
            )

    # -- one token

    def _first_accepted(self, dialects: list[Dialect]) -> Dialect:
        refusals: list[_Refusal] = []
        dead_ends: set[str] = set()
        for dialect in dialects:
            if dialect.url in dead_ends:
                continue
            refusal, gives_token_ids = self._try(dialect)
            if refusal is None:
                return replace(dialect, wants_token_ids=gives_token_ids)
            refusals.append(refusal)
            if refusal.status in (401, 403):
                raise self._wrong_key(refusal)
            if refusal.status in _NO_SUCH_PATH:
                dead_ends.add(dialect.url)
        raise self._unusable(_most_telling(refusals))

    def _try(self, dialect: Dialect) -> tuple[_Refusal | None, bool]:
        """Asks for one token after a begun answer, so that resuming is tried as well."""
        body = request_body(
            dialect,
            model=self._settings.model,
            prompt="Cough.",
            prefix_text="Situation:",
            num_tokens=1,
            priority=1,
        )
        response = self._send("POST", dialect.url, {**body, "stream": False})
        refusal = _refusal(response)
        if refusal is not None:
            if refusal.status in _BUSY_STATUSES:
                raise _Busy
            return refusal, False
        try:
            choice = response.json()["choices"][0]
            return None, dialect.wants_token_ids and bool(choice.get("token_ids"))
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            return _Refusal(status=200, reason="the answer is not an answer of this API"), False

    def _send(self, method: str, url: str, body: dict[str, Any] | None = None) -> httpx.Response:
        left = self._seconds_left()
        timeout = httpx.Timeout(left, connect=min(left, self._settings.connect_timeout_seconds))
        try:
            response = self._client.request(method, url, json=body, timeout=timeout)
        except httpx.ReadTimeout:
            raise _Busy from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise EngineUnavailable(
                f"TRIAGE_REMOTE_URL: no server answers at {self._at} ({type(error).__name__}); "
                "start the server or correct the address"
            ) from None
        if response.is_redirect:
            raise EngineUnavailable(
                f"TRIAGE_REMOTE_URL: the server at {self._at} sends on to another address, which "
                "this site does not follow; set the address where the server itself answers"
            )
        return response

    # -- sentences

    def _wrong_key(self, refusal: _Refusal) -> EngineUnavailable:
        given = "the key that is set" if self._settings.api_key else "a request without a key"
        return EngineUnavailable(
            f"TRIAGE_REMOTE_API_KEY: the server at {self._at} refuses {given} "
            f"(HTTP {refusal.status}); set the key of this server"
        )

    def _unusable(self, refusal: _Refusal) -> EngineUnavailable:
        if refusal.status in _NO_SUCH_PATH and "model" not in refusal.reason.lower():
            return EngineUnavailable(
                f"TRIAGE_REMOTE_URL: the server at {self._at} has no OpenAI-compatible API there, "
                f"with or without /v1 ({refusal}); correct the address"
            )
        if refusal.status >= 500:
            return EngineUnavailable(
                f"TRIAGE_REMOTE_URL: the server at {self._at} fails ({refusal}); "
                "look into its log and start it again"
            )
        return EngineUnavailable(
            f"TRIAGE_REMOTE_MODEL: the server at {self._at} refuses chat and completions of "
            f"{self._settings.model!r} ({refusal}); choose another model or correct the server"
        )


def _dialects(start: Dialect, settings: RemoteSettings) -> Iterator[Dialect]:
    """What the site leaves open, richest first: chat before completions."""
    chats = (True, False) if settings.is_chat is None else (settings.is_chat,)
    ids = (True, False) if settings.wants_token_ids is None else (settings.wants_token_ids,)
    priorities = (True, False) if settings.sends_priority is None else (settings.sends_priority,)
    for is_chat, wants_ids, sends_priority in product(chats, ids, priorities):
        yield replace(
            start, is_chat=is_chat, wants_token_ids=wants_ids, sends_priority=sends_priority
        )


def _refusal(response: httpx.Response) -> _Refusal | None:
    if response.status_code == 200:
        return None
    return _Refusal(status=response.status_code, reason=_reason(response))


def _reason(response: httpx.Response) -> str:
    """The server's own words on one line."""
    try:
        content = response.json()
        error = content.get("error", content.get("detail", content.get("message", "")))
        text = error.get("message", "") if isinstance(error, dict) else str(error)
    except (ValueError, AttributeError):
        text = response.text
    return " ".join(text.split())[:_MAX_REASON]


def _most_telling(refusals: list[_Refusal]) -> _Refusal:
    """A path that does not exist says less than a request that was refused."""
    told = [refusal for refusal in refusals if refusal.status not in _NO_SUCH_PATH]
    return told[-1] if told else max(refusals, key=lambda refusal: len(refusal.reason))
