"""The soak's token endpoint: gives tokens that last for moments, fails now and then, takes tokens back.

It notes every request, and how many tokens were fresh when it came: a router that holds a fresh one asks for no other.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

from aiohttp import web
from soak_documents import VARIANTS, secret_of

LIFETIME = 2.0  # seconds
_FRESH_SHARE = 0.8  # of it; from then on the router renews, while requests are waiting for nobody
_TAKES = 0.03  # seconds to an answer, so that two requests at once can be seen
_LENIENT = 1.0  # seconds for which an expired token is still taken, as clocks differ
_FORGIVEN = 30.0  # seconds after its end in which a token may still be on its way, on a machine that is busy
_REVOKED_EVERY = 25  # requests
_TURNS = ("ok", "ok", "503", "reset", "empty", "page", "ok", "ok", "none", "503", "over", "ok")
_FAULTS = {
    "503": (503, "application/json", "{}"),
    "page": (200, "text/html", "<html>try later</html>"),
    "empty": (200, "application/json", '{"access_token": "", "expires_in": 60}'),
    "none": (200, "application/json", '{"error": "temporarily_unavailable"}'),
    "over": (200, "application/json", '{"access_token": "tok-never", "expires_in": -1}'),
}


@dataclass(slots=True)
class Token:
    """One that was given."""

    client: str
    secret: str
    at: float
    revoked: bool = False
    rejected: bool = False
    """Whether somebody was told that it is no good."""


@dataclass(slots=True)
class Grant:
    """One request for a token."""

    client: str
    secret: str
    at: float
    fresh: int
    """Tokens of this client that were fresh."""
    outcome: str = "left"
    until: float | None = None
    """When it was answered; None: whoever asked has given up."""
    resent: bool = False
    """Cut on a connection that had served before: the router sends it again."""


class TokenEndpoint:
    """The tokens of all clients."""

    def __init__(self) -> None:
        self.grants: list[Grant] = []
        self.wrong: list[str] = []
        self.revoked = 0
        self._tokens: dict[str, Token] = {}
        self._turns: dict[str, Iterator[str]] = defaultdict(lambda: itertools.cycle(_TURNS))
        self._uses: Counter[str] = Counter()

    async def handle(self, request: web.Request, reused: bool) -> web.Response | None:
        """The answer to a request for a token; None: the connection is to be cut."""
        form = {name: values[0] for name, values in parse_qs(await request.text()).items()}
        client, secret = form.get("client_id", ""), form.get("client_secret", "")
        if secret not in {secret_of(client, each) for each in VARIANTS} or form.get("scope") != "soak/.default":
            self.wrong.append(f"the token endpoint was asked by {client} with what is not its own")
        now = time.monotonic()
        held = [each for each in self._tokens.values() if (each.client, each.secret) == (client, secret)]
        grant = Grant(client, secret, now, sum(_is_fresh(each, now) for each in held))
        self.grants.append(grant)
        await asyncio.sleep(_TAKES)
        grant.outcome, grant.until = next(self._turns[client]), time.monotonic()
        grant.resent = reused and grant.outcome == "reset"
        if grant.outcome == "reset":
            return None
        if grant.outcome in _FAULTS:
            status, kind, text = _FAULTS[grant.outcome]
            return web.Response(status=status, content_type=kind, text=text)
        token = f"tok-{client}-{len(self._tokens)}"
        self._tokens[token] = Token(client, secret, grant.until)
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": LIFETIME})

    def is_good(self, client: str, header: str | None) -> bool:
        """Whether an endpoint takes what it was sent; what no router may send is noted."""
        token = self._tokens.get((header or "").removeprefix("Bearer "))
        if token is None or token.client != client:
            self.wrong.append(f"{client} was sent {header!r}, which is no token of its own")
            return False
        now = time.monotonic()
        if now > token.at + LIFETIME + _FORGIVEN:
            self.wrong.append(f"{client} was sent a token that is over since {now - token.at - LIFETIME:.0f} s")
        self._uses[client] += 1
        if self._uses[client] % _REVOKED_EVERY == 0 and not token.revoked:
            token.revoked, self.revoked = True, self.revoked + 1
        good = not token.revoked and now < token.at + LIFETIME + _LENIENT
        token.rejected = token.rejected or not good
        return good


def _is_fresh(token: Token, now: float) -> bool:
    return not token.rejected and now < token.at + LIFETIME * _FRESH_SHARE


def token_differences(grants: Sequence[Grant], workers: int) -> list[str]:
    """Requests for tokens that nobody needed: while one was fresh, or beside another one; a worker has its own."""
    found = [
        f"a token of {each.client} was asked for while {each.fresh} were fresh, with {workers} worker(s)"
        for each in grants
        if each.fresh >= workers
    ]
    for one in sorted({(each.client, each.secret) for each in grants}):
        most = _at_once(each for each in grants if (each.client, each.secret) == one)
        if most > workers:
            found.append(f"{most} tokens of {one[0]} were asked for at once, by {workers} worker(s)")
    return found


def _at_once(grants: Iterable[Grant]) -> int:
    """How many requests that were answered were there at once."""
    spans = [(each.at, each.until) for each in grants if each.until is not None]
    steps = sorted([*((end, -1) for _, end in spans), *((start, 1) for start, _ in spans)])
    return max(itertools.accumulate((step for _, step in steps)), default=0)
