"""OAuth access tokens: one per (token URL, client, scopes, secret), fetched once for many waiters.

A token is refreshed early in the background and serves as long as it is valid. There is never an empty one:
where none can be had the caller gets a TokenError and tries another endpoint.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from llmrouter.entities import OAuth
from llmrouter.upstream import TimeLimits, Upstream, UpstreamFailure, UpstreamRequest

LIMITS = TimeLimits(connect=5.0, first_byte=10.0, idle=10.0)  # or the router's own, where those are shorter
_MAX_ANSWER = 1 << 20
_USUAL_LIFETIME = 300.0  # where the answer does not say
_EARLY_SECONDS, _EARLY_SHARE = 300.0, 0.2
_MARGIN_SECONDS, _MARGIN_SHARE = 10.0, 0.05  # a token about to expire could do so on its way
_RETRY_SECONDS = 5.0
_TOKEN = re.compile(r"[\x21-\x7e]+")

_Identity = tuple[str, str, tuple[str, ...], str]


class TokenError(Exception):
    """No token could be had. Its text is ours, never the token endpoint's."""


@dataclass(frozen=True, slots=True)
class _Held:
    token: str
    refresh_at: float
    expires_at: float

    def __repr__(self) -> str:
        return "_Held(***)"


class Tokens:
    """The tokens of one process. Each fetch, those in the background too, is ``told``: client id, ok or failed."""

    def __init__(
        self,
        upstream: Upstream,
        clock: Callable[[], float] = time.monotonic,
        limits: TimeLimits = LIMITS,
        told: Callable[[str, str], None] = lambda client_id, outcome: None,
    ) -> None:
        self._upstream, self._clock, self._told = upstream, clock, told
        self._limits = TimeLimits(
            min(LIMITS.connect, limits.connect),
            min(LIMITS.first_byte, limits.first_byte),
            min(LIMITS.idle, limits.idle),
        )
        self._held: dict[_Identity, _Held] = {}
        self._fetches: dict[_Identity, asyncio.Task[_Held]] = {}

    async def get(self, grant: OAuth) -> str:
        """A valid token; waits only where there is none."""
        identity, now = _identity(grant), self._clock()
        held = self._held.get(identity)
        if held is None or now >= held.expires_at:
            # Shielded: one waiter that leaves must not take the token from the others.
            return (await asyncio.shield(self._fetch(identity, grant))).token
        if now >= held.refresh_at:
            # If this fails, the next attempt comes a little later, while the old token still serves.
            self._held[identity] = replace(held, refresh_at=now + _RETRY_SECONDS)
            self._fetch(identity, grant)
        return held.token

    def reject(self, grant: OAuth, token: str) -> None:
        """An upstream answered 401 to this token; forget it unless a newer one is already held."""
        held = self._held.get(_identity(grant))
        if held is not None and held.token == token:
            del self._held[_identity(grant)]

    def _fetch(self, identity: _Identity, grant: OAuth) -> asyncio.Task[_Held]:
        task = self._fetches.get(identity)
        if task is None:
            task = self._fetches[identity] = asyncio.create_task(self._fetched(identity, grant))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may be waiting
        return task

    async def _fetched(self, identity: _Identity, grant: OAuth) -> _Held:
        try:
            token, lifetime = await _ask(self._upstream, grant, self._limits)
            self._told(grant.client_id, "ok")
            now = self._clock()
            held = self._held[identity] = _Held(
                token,
                refresh_at=now + lifetime - min(_EARLY_SECONDS, lifetime * _EARLY_SHARE),
                expires_at=now + lifetime - min(_MARGIN_SECONDS, lifetime * _MARGIN_SHARE),
            )
            return held
        except TokenError:
            self._told(grant.client_id, "failed")
            raise
        finally:
            del self._fetches[identity]


def _identity(grant: OAuth) -> _Identity:
    return grant.token_url, grant.client_id, grant.scopes, grant.client_secret.fingerprint()


async def _ask(upstream: Upstream, grant: OAuth, limits: TimeLimits) -> tuple[str, float]:
    """One client-credentials grant: the token and its lifetime in seconds."""
    form = {"grant_type": "client_credentials", "client_id": grant.client_id}
    form["client_secret"] = grant.client_secret.reveal()
    if grant.scopes:
        form["scope"] = " ".join(grant.scopes)
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    body = b""
    try:
        answer = await upstream.send(UpstreamRequest(grant.token_url, headers, urlencode(form).encode(), limits))
        try:
            while len(body) < _MAX_ANSWER and (chunk := await answer.read()):
                body += chunk
        finally:
            answer.close()
    except UpstreamFailure as failure:
        raise TokenError(f"token endpoint: {failure}") from None
    if answer.status != 200:
        raise TokenError(f"token endpoint answered {answer.status}")
    return _token(body)


def _token(body: bytes) -> tuple[str, float]:
    try:
        data = json.loads(body)
        token, lifetime = data["access_token"], float(data.get("expires_in") or _USUAL_LIFETIME)
        if isinstance(token, str) and _TOKEN.fullmatch(token) and lifetime > 0:
            return token, lifetime
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        pass
    raise TokenError("token endpoint gave no token")
