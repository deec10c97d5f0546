"""An upstream's answer as the router reads it: its first bytes, whether it is one, and what another upstream might do.

It decides by the status, a few headers and what is whole; bytes that are the client's are never changed. What is no
error of the API's is replaced by one, and an error that tells the credential it was sent loses that.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from llmrouter.errors import upstream_error
from llmrouter.health import Problem
from llmrouter.resolve import Detour
from llmrouter.upstream import Answer, Headers
from llmrouter.usage import Reported, told

_HELD_BYTES = 8 << 20  # a JSON answer up to this size is whole before the client sees any of it
_MOVE_ON = frozenset({408, 429})
_SHORTEST = 8  # characters of what could be a credential: less is found everywhere


@dataclass(slots=True)
class Reply:
    """An upstream's answer: its first bytes, and the rest where it is still coming."""

    status: int
    headers: Headers
    head: bytes
    rest: Answer | None
    strip_usage: bool = False
    """Whether its usage was asked for by the router alone."""
    usage: Reported | None = None
    """What JSON that is whole tells of its usage; None: it is not whole, or no JSON."""

    def header(self, name: bytes) -> bytes:
        """A header's value in lower case; empty where it is missing."""
        for key, value in self.headers:
            if key == name:
                return value.strip().lower()
        return b""

    @property
    def is_event_stream(self) -> bool:
        """Whether it is a stream of server-sent events that can be read on its way."""
        return self.header(b"content-type").startswith(b"text/event-stream") and not self.is_encoded

    @property
    def is_encoded(self) -> bool:
        """Whether its body is in a coding, though none was asked for; nobody here unpacks it."""
        return self.header(b"content-encoding") not in (b"", b"identity")

    def close(self) -> None:
        """Give up the rest."""
        if self.rest is not None:
            self.rest.close()

    def hide(self, credential: str) -> None:
        """Take a credential out of an error: some upstreams tell what they were sent."""
        if len(credential) < _SHORTEST:
            return
        raw, quoted = credential.encode("latin-1"), json.dumps(credential)[1:-1].encode()
        self.head = self.head.replace(raw, b"***").replace(quoted, b"***")
        self.headers = [(name, value.replace(raw, b"***")) for name, value in self.headers]

    def reword(self) -> None:
        """An error in the API's words in place of one that no client of it could read."""
        self.close()
        self.rest, self.head = None, upstream_error(self.status).body()
        kept = [each for each in self.headers if each[0] not in (b"content-type", b"content-encoding")]
        self.headers = [*kept, (b"content-type", b"application/json")]


async def begun(answer: Answer) -> Reply:
    """The reply with its first bytes: all of a JSON answer or of an error, the first chunk of anything else."""
    if answer.status == 101:
        return Reply(101, answer.headers, b"", answer)
    reply = Reply(answer.status, answer.headers, await answer.read(), answer)
    kind = reply.header(b"content-type")
    is_json = kind.startswith(b"application/json") or (not kind and reply.head.startswith(b"{"))
    if not is_json and reply.status < 400 and reply.head:
        return reply
    chunks, size = [reply.head], len(reply.head)
    while size < _HELD_BYTES:
        data = await answer.read() if chunks[-1] else b""
        if not data:
            reply.rest = None
            break
        chunks.append(data)
        size += len(data)
    reply.head = b"".join(chunks)
    if reply.rest is None and not reply.is_encoded:
        reply.usage = told(reply.head)
    if reply.status >= 400 and reply.usage is None:
        reply.reword()
    return reply


def problem(reply: Reply, method: str) -> tuple[Problem, str] | None:
    """Why another endpoint should be asked; None: this answer is the client's."""
    if reply.status >= 500 or reply.status in _MOVE_ON:
        return "quota" if reply.status == 429 else "failure", f"answered {reply.status}"
    if reply.status == 404 and b"DeploymentNotFound" in reply.head:
        return "missing", "has no such deployment"
    if reply.status >= 400 or reply.status == 101:
        return None
    why = _no_answer(reply, method) if reply.status >= 200 else ""
    if reply.status < 200 or reply.status >= 300:
        why = f"answered {reply.status}, which is never followed"
    return ("failure", why) if why else None


def _no_answer(reply: Reply, method: str) -> str:
    """What is wrong with what claims to be one; empty: nothing that can be seen before it is passed on."""
    if not reply.head:
        if reply.is_event_stream:
            return "ended its stream before the first event"
        return "" if method == "DELETE" else "answered nothing"
    if reply.usage is not None:
        return ""
    kind = reply.header(b"content-type")
    if kind.startswith(b"text/html"):
        return "answered with a web page"
    if reply.rest is None and kind.startswith(b"application/json") and not reply.is_encoded:
        return "answered what is no JSON"
    return ""


def detour(reply: Reply) -> Detour | None:
    """Whether another model might take what this one refused."""
    if reply.status != 400:
        return None
    if b"context_length_exceeded" in reply.head or b"maximum context length" in reply.head:
        return "context window"
    if b'"content_filter"' in reply.head or b'"content_policy_violation"' in reply.head:
        return "content policy"
    return None
