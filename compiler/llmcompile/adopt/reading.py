"""What the store holds: the newest version of a secret as data, or why it is not the JSON of a document."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from pydantic import TypeAdapter, ValidationError

from llmcompile.adopt.reasons import Reasons
from llmcompile.diagnostics import Route
from llmcompile.errors import UsageError
from llmcompile.inputs.values import AccountId, RegionId
from llmcompile.literals import quote
from llmcompile.push.newest import newest
from llmcompile.push.store import Held, StoreReader
from llmcompile.secret_ids import SUBJECTS, Kind, secret_id

SECRETS = ("api_key", "oauth_client_secret")
_TELLING = 8
"""A secret shorter than this may stand elsewhere by chance: local servers are given 'none' or 'ollama' as a key."""
_IDS = {"account": TypeAdapter(AccountId), "region": TypeAdapter(RegionId)}


@dataclass(frozen=True, slots=True)
class Subject:
    """An account or a region that is adopted."""

    kind: Literal["account", "region"]
    owner: str

    @classmethod
    def of(cls, text: str) -> Self:
        """``account/ID`` or ``region/ID``. Raises ``UsageError`` for an id that no file could have."""
        kind, _, owner = text.partition("/")
        try:
            _IDS[kind].validate_python(owner)
        except ValidationError:
            message = f"{quote(owner)} cannot be the id of {'an account' if kind == 'account' else 'a region'}"
            hint = "lowercase letters, digits, '-' and '_', with a letter or digit at both ends"
            raise UsageError(message, hint) from None
        return cls("account" if kind == "account" else "region", owner)

    def __str__(self) -> str:
        return f"{self.kind}/{self.owner}"

    @property
    def document(self) -> Kind:
        """The document of its endpoints; nobody else has policies."""
        return SUBJECTS[self.kind][0]

    @property
    def secret(self) -> str:
        """The secret that holds it."""
        return secret_id(self.document, self.owner)

    @property
    def file(self) -> str:
        """Its YAML, below the root."""
        return f"{self.kind}s/{self.owner}.yaml"


@dataclass(frozen=True, slots=True)
class Existing:
    """The document that the newest version holds."""

    subject: Subject
    held: Held
    number: int
    payload: bytes = field(repr=False)
    data: Any = field(repr=False)
    """As ``json.loads`` has it: finite numbers, whole characters, each key once."""

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.subject.secret} version {self.number}"

    @property
    def secrets(self) -> dict[Route, str]:
        """Its secrets, by where they stand."""
        return _secrets(self.subject, self.data)

    @property
    def telling(self) -> list[str]:
        """Its secrets that are long enough to know them again."""
        return _telling(self.subject, self.data)


def _secrets(subject: Subject, data: Any) -> dict[Route, str]:
    above: Route = () if subject.kind == "account" else ("endpoints",)
    endpoints = data.get("endpoints") if above and isinstance(data, dict) else data
    return {
        (*above, name, key): endpoint[key]
        for name, endpoint in (endpoints.items() if isinstance(endpoints, dict) else ())
        for key in SECRETS
        if isinstance(endpoint, dict) and isinstance(endpoint.get(key), str)
    }


def _telling(subject: Subject, data: Any) -> list[str]:
    return [each.strip() for each in _secrets(subject, data).values() if len(each.strip()) >= _TELLING]


def read(subject: Subject, store: StoreReader) -> Existing | Reasons:
    """The newest document of an account or region, or why there is none that could be adopted."""
    held = store.held(subject.secret)
    found = newest(store, subject.secret, held)
    reasons = Reasons(f"{subject.secret} version {found.number}" if found else subject.secret)
    if held is None or found is None:
        reasons.say((), "the store has no such secret" if held is None else "it has no version")
    elif found.payload is None:
        reasons.say((), f"it is the newest and {found.state}, so that nobody can read it")
    else:
        data = parse(found.payload, reasons)
        reasons.hidden = _telling(subject, data)
        if not reasons:
            return Existing(subject, held, found.number, found.payload, data)
    return reasons


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with all that was written in it, however often."""


def parse(payload: bytes, reasons: Reasons) -> Any:
    """The data of a JSON text; says where two readers of it might not understand the same."""
    try:
        return _plain(json.loads(payload.decode("utf-8"), object_pairs_hook=_Pairs), (), reasons)
    except UnicodeDecodeError:
        reasons.say((), "not UTF-8")
    except json.JSONDecodeError as error:
        reasons.say((), f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}")
    except (ValueError, RecursionError):  # a number of thousands of digits, thousands of brackets
        reasons.say((), "not JSON that can be read: a number or the nesting is out of bounds")
    return None


def _plain(value: Any, route: Route, reasons: Reasons) -> Any:
    if isinstance(value, _Pairs):
        data = {}
        for key, item in value:
            if key in data:
                reasons.say((*route, key), "this key is written twice")
            _whole(key, route, reasons)
            data[key] = _plain(item, (*route, key), reasons)
        return data
    if isinstance(value, list):
        return [_plain(item, (*route, index), reasons) for index, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        reasons.say(route, "a number that JSON does not know, or too large to be kept")
    if isinstance(value, str):
        _whole(value, route, reasons)
    return value


def _whole(text: str, route: Route, reasons: Reasons) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        reasons.say(route, "half of a character: \\ud800 to \\udfff stand for something in pairs alone")
