"""The client's JSON body: what it asks for, and the same bytes made right for one upstream.

What the client wrote stays as it wrote it, byte by byte: a model name is replaced in place and defaults are
put in front. Only a body in which the place of the name is in doubt, or that speaks to the router itself (its tags),
is written anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii as _quoted
from typing import Any, Protocol

from llmrouter.entities import Candidate
from llmrouter.errors import bad_request
from llmrouter.state import parted
from llmrouter.strict_json import Twice, loads

_MODEL = re.compile(rb'"model"\s*:\s*("(?:[^"\\]|\\.)*")')
_SPELLED = re.compile(rb"\\u00[0-7]")  # an escaped ASCII character: a key could be there a second time
_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))


class Body(Protocol):
    """A request's body, of whatever kind."""

    @property
    def content_type(self) -> str:
        """Its media type."""
        ...

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that it prefers endpoints by."""
        ...

    @property
    def streams(self) -> bool:
        """Whether it asks for a stream without saying what shall be told of its usage."""
        ...

    @property
    def kept_at(self) -> str | None:
        """The tag of the endpoint that keeps the response that it goes on from."""
        ...

    def model(self) -> str:
        """The model asked for. Raises ApiError 400."""
        ...

    def for_upstream(self, candidate: Candidate, defaults: Mapping[str, bytes]) -> bytes:
        """The body for a candidate: its upstream's name, and defaults (as JSON) where the client says nothing."""
        ...


@dataclass(slots=True)  # not frozen, which takes four times as long: there is one per request
class Payload:
    """A JSON object as it came and as it reads."""

    raw: bytes
    fields: Mapping[str, Any]
    tags: tuple[str, ...] = ()
    kept_at: str | None = None
    content_type: str = "application/json"

    @classmethod
    def parse(cls, raw: bytes) -> Payload:
        """Raises ApiError 400. A model named twice is refused: upstreams differ in which one they take."""
        doubtful = raw.count(b'"model"') > 1 or (b"\\u00" in raw and _SPELLED.search(raw) is not None)
        try:
            fields = loads(raw.decode(), keep_twice=doubtful)
        except (ValueError, RecursionError):
            raise bad_request("The request body is not valid JSON.", code="invalid_json") from None
        if not isinstance(fields, dict):
            raise bad_request("The request body must be a JSON object.", code="invalid_json")
        if isinstance(fields, Twice):
            raise bad_request("A key occurs twice in the request body.", code="invalid_json")
        metadata, previous = fields.get("metadata"), fields.get("previous_response_id")
        if isinstance(metadata, dict) and isinstance(metadata.get("tags"), list):
            return cls._tagged(fields, metadata)
        if isinstance(previous, str):
            own, kept_at = parted(previous)
            return cls(raw.replace(f'"{previous}"'.encode(), f'"{own}"'.encode()), fields, (), kept_at)
        return cls(raw, fields)

    @classmethod
    def _tagged(cls, fields: Mapping[str, Any], metadata: Mapping[str, Any]) -> Payload:
        """Tags are for the router; upstreams take no lists in metadata."""
        rest = {name: value for name, value in metadata.items() if name != "tags"}
        fields = {name: value for name, value in fields.items() if name != "metadata"}
        fields |= {"metadata": rest} if rest else {}
        own, kept_at = parted(str(fields.get("previous_response_id")))
        fields |= {"previous_response_id": own} if kept_at else {}
        return cls(_dump(fields), fields, tuple(each for each in metadata["tags"] if isinstance(each, str)), kept_at)

    @property
    def streams(self) -> bool:
        """Whether it asks for a stream without saying what shall be told of its usage."""
        return self.fields.get("stream") is True and "stream_options" not in self.fields

    def model(self) -> str:
        """The model asked for. Raises ApiError 400."""
        return named(self.fields.get("model"))

    def for_upstream(self, candidate: Candidate, defaults: Mapping[str, bytes]) -> bytes:
        """The body for a candidate: its upstream's name, and defaults (as JSON) where the client says nothing."""
        added = {name: value for name, value in defaults.items() if name not in self.fields and name != "model"}
        name, raw = candidate.upstream_model, self.raw
        if "model" not in self.fields:
            if candidate.endpoint.path_style == "openai":
                added["model"] = _quoted(name).encode()
        elif self.fields["model"] != name:
            raw = self._renamed(name)
        return _with_front(raw, added, bool(self.fields)) if added else raw

    def _renamed(self, name: str) -> bytes:
        found = _MODEL.search(self.raw) if self.raw.count(b'"model"') == 1 else None
        if found is None or loads(found[1].decode(), keep_twice=False) != self.fields["model"]:
            return _dump({**json.loads(self.raw), "model": name})
        return self.raw[: found.start(1)] + _quoted(name).encode() + self.raw[found.end(1) :]


def named(model: object) -> str:
    """A model's name as a client gave it. Raises ApiError 400."""
    if not isinstance(model, str) or not model:
        raise bad_request("You must provide a model parameter.", param="model", code="missing_model")
    return model


def _with_front(raw: bytes, added: Mapping[str, bytes], more: bool) -> bytes:
    start = raw.index(b"{") + 1
    members = b",".join([b"%b:%b" % (_quoted(name).encode(), value) for name, value in added.items()])
    return b"%b%b%b%b" % (raw[:start], members, b"," if more else b"", raw[start:])


def _dump(value: object) -> bytes:
    try:
        return _ENCODER.encode(value).encode()
    except ValueError:
        raise bad_request("A number in the request body is out of range.", code="invalid_json") from None
