"""The client's multipart form: the model is read from it, everything else passes as it came.

It is read strictly: where two parsers could see two different forms, it is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from llmrouter.entities import Candidate
from llmrouter.errors import ApiError, bad_request
from llmrouter.payload import named

_BOUNDARY = re.compile(r'multipart/form-data; *boundary=(?:"([^"\\]{1,70})"|([^\s";,]{1,70}))', re.IGNORECASE)
_DISPOSITION = re.compile(
    rb'content-disposition: *form-data; *name=(?:"([^"\r\n\\]+)"|([^\s";]+))'
    rb'(?: *; *filename\*?=(?:"[^"\r\n]*"|[^\s";]+))*',
    re.IGNORECASE,
)
_MAX_HEAD = 8 << 10


@dataclass(frozen=True, slots=True)
class Form:
    """A form as it came, and where its fields are."""

    raw: bytes
    content_type: str
    boundary: bytes
    spans: Mapping[str, tuple[int, int]]
    """First and last byte of each field's value, by name."""
    tags: tuple[str, ...] = ()
    streams: bool = False
    kept_at: str | None = None

    @classmethod
    def parse(cls, raw: bytes, content_type: str) -> Form:
        """Raises ApiError 400."""
        found = _BOUNDARY.fullmatch(content_type.strip())
        if found is None:
            raise bad_request("The request must be multipart/form-data.", code="invalid_form")
        boundary = (found[1] or found[2]).encode("latin-1")
        spans: dict[str, tuple[int, int]] = {}
        for name, start, end in _parts(raw, b"--" + boundary):
            if name == "model" and name in spans:
                raise _invalid()
            spans.setdefault(name, (start, end))
        if not spans:  # some parsers see no form at all
            raise _invalid()
        return cls(raw, content_type.strip(), boundary, spans)

    def model(self) -> str:
        """The model asked for. Raises ApiError 400."""
        start, end = self.spans.get("model", (0, 0))
        return named(self.raw[start:end].decode(errors="replace"))

    def for_upstream(self, candidate: Candidate, defaults: Mapping[str, bytes]) -> bytes:
        """The form for a candidate: its upstream's name, and defaults (as JSON) where the client says nothing."""
        raw, name = self.raw, candidate.upstream_model
        added = {each: _text(value) for each, value in defaults.items() if each not in self.spans and each != "model"}
        if "model" in self.spans:
            start, end = self.spans["model"]
            raw = raw[:start] + name.encode() + raw[end:]
        elif candidate.endpoint.path_style == "openai":
            added["model"] = name
        return b"".join(self._part(*each) for each in added.items()) + raw

    def _part(self, name: str, text: str) -> bytes:
        head = f'\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
        return b"--" + self.boundary + head.encode()


def _text(written: bytes) -> str:
    value = json.loads(written)
    return value if isinstance(value, str) else written.decode()


def _parts(raw: bytes, border: bytes) -> Iterator[tuple[str, int, int]]:
    """Name, start and end of every part."""
    at = len(border) if raw.startswith(border) else -1
    while raw[at : at + 2] == b"\r\n" and at > 0:
        start = raw.find(b"\r\n\r\n", at, at + _MAX_HEAD) + 4
        end = raw.find(b"\r\n" + border, start)
        lines = raw[at + 2 : start - 4].split(b"\r\n")
        names = [found for line in lines if (found := _DISPOSITION.fullmatch(line))]
        if start < 4 or end < 0 or len(names) != 1:
            raise _invalid()
        yield (names[0][1] or names[0][2]).decode(errors="replace"), start, end
        at = end + 2 + len(border)
    if at < 0 or raw[at : at + 2] != b"--":
        raise _invalid()


def _invalid() -> ApiError:
    return bad_request("The request body is not a valid form.", code="invalid_form")
