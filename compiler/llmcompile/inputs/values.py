"""The scalar types of the input models: names, instants, prices, currencies and refs.

Each accepts one spelling and says what to write instead of the others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

from llmcompile import literals, refs
from llmcompile.inputs.base import problem
from llmcompile.inputs.currencies import CURRENCIES
from llmcompile.inputs.words import Word
from llmcompile.literals import quote
from llmcompile.refs import Ref
from llmcompile.suggest import did_you_mean, folded

T = TypeVar("T")


def kind_of(value: object) -> str:
    """What a value is, in the words of people who write YAML."""
    kinds: dict[type, str] = {
        dict: "a mapping",
        tuple: "a list",
        list: "a list",
        str: "text",
        int: "a whole number",
        Decimal: "a decimal number",
    }
    if isinstance(value, bool):
        return "true" if value else "false"
    return kinds.get(type(value), "nothing")


def quoted(value: Any) -> str | None:
    """The text that a value would be in quotes; None where that is not certain, or it is no scalar."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value) if isinstance(value, int | Decimal) else None
    return None if text is None or "E" in text else text  # 1e3 is kept as 1E+3


def number_of(value: Any) -> int | Decimal | None:
    """The number that text in quotes is; None where it is none."""
    if not isinstance(value, str) or not re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", value) or len(value) > 30:
        return None
    return Decimal(value) if "." in value else int(value)


_SIZES = {"k": 3, "m": 6}


def misspelled_number(value: Any) -> str | None:
    """The number that text was meant to be: with a unit, a currency, a comma or separated thousands; else None."""
    text = value.strip().strip("$\u20ac\u00a3").lower() if isinstance(value, str) else ""
    text = re.sub(r"(?<=\d)[_,' ](?=\d{3}(\D|$))", "", text)
    found = re.fullmatch(r"(-?(?:0|[1-9]\d{0,14})(?:[.,]\d{1,15})?) ?([a-z%$/ ]?[a-z0-9%$/ ]{0,20})", text)
    if not found:
        return None
    number = Decimal(found[1].replace(",", "."))
    return f"{number.scaleb(_SIZES[found[2]]):f}" if found[2] in _SIZES else str(number)


def _text(value: Any, hint: str = "quote it") -> str:
    if not isinstance(value, str):
        fix = quoted(value) if hint == "quote it" else None
        raise problem(
            "type-wrong", f"expected text, found {kind_of(value)}", hint if value is not None else "fill it in", fix=fix
        )
    return value


@dataclass(frozen=True, slots=True)
class Spelling:
    """Annotates text that is a name: how it is spelled, and the code of the diagnostic when it is not."""

    code: str
    what: str
    pattern: re.Pattern[str]
    limit: int
    allowed: str
    example: str

    def check(self, value: Any) -> str:
        """The name itself, or a problem with the spelling that was probably meant."""
        text = _text(value)
        if len(text) > self.limit:
            raise problem(self.code, f"{self.what} is longer than {self.limit} characters")
        if not self.pattern.fullmatch(text):
            fits = (re.sub(odd, "-", folded(text).lower()).strip("-._") for odd in (r"[^a-z0-9._-]+", r"[^a-z0-9_-]+"))
            fit = next((each for each in fits if self.pattern.fullmatch(each)), "")
            hint = f"write '{fit}'" if fit else ""
            words = text.split()
            if fit and len(words) > 1 and all(len(each) > 2 and self.pattern.fullmatch(each) for each in words):
                hint += f", or with a comma between two: '{', '.join(words)}'"
            # What is declared here others refer to; a group or a tag is nobody's name.
            fix = fit or None if self.code in ("group-name", "value-invalid") else None
            raise problem(self.code, f"{self.what} {quote(text)} is not made of {self.allowed}", hint, fix=fix)
        return text

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.check)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {
            "type": "string",
            "pattern": f"^{self.pattern.pattern}$",
            "maxLength": self.limit,
            "examples": [self.example],
        }


_SLUG = re.compile(r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?")
_SLUG_WORDS = "lowercase letters, digits, '-' and '_', with a letter or digit at both ends"

Name = Annotated[str, Spelling("name-invalid", "the name", _SLUG, 63, _SLUG_WORDS, "default")]
# What is left of Kubernetes' 63 characters beside "-llm-config" and "azure-openai-".
AccountId = Annotated[str, Spelling("name-invalid", "the account id", _SLUG, 52, _SLUG_WORDS, "acme")]
RegionId = Annotated[str, Spelling("name-invalid", "the region id", _SLUG, 50, _SLUG_WORDS, "europe-west6")]
ModelCode = Annotated[
    str,
    Spelling(
        "name-invalid",
        "the model code",
        re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*"),
        100,
        "letters, digits, '.', '_' and '-'",
        "gpt-4o",
    ),
]
ModelName = Annotated[str, Field(min_length=1, max_length=200, examples=["gpt-4o"])]
"""A reference to a model of the catalogue, or a name that an upstream uses."""
ServedModel = Annotated[ModelName, Word("served")]
"""A model of the catalogue as an endpoint lists it: its code, or a provider's prefix and its code."""
_LABEL = re.compile(r"[a-z0-9._-]+")
GroupName = Annotated[
    str,
    Spelling(
        "group-name",
        "the access group",
        _LABEL,
        63,
        "lowercase letters, digits, '.', '_' and '-'",
        "general",
    ),
]
Tag = Annotated[
    str,
    Spelling("value-invalid", "the tag", _LABEL, 63, "lowercase letters, digits, '.', '_' and '-'", "eu"),
]

_LOCATION = re.compile(r"[a-z0-9-]+")
_WORD = "lowercase letters, digits and '-'"
Geo = Annotated[str, Spelling("value-invalid", "the geography", _LOCATION, 32, _WORD, "eu"), Word("geo", new=True)]
"""Where data is processed and stored: a country, or what stands for several, such as ``ch`` and ``eu``."""
Location = Annotated[str, Spelling("value-invalid", "the location", _LOCATION, 63, _WORD, "switzerlandnorth")]
"""A cloud's region, which may be gone as a whole."""


def _unique(items: tuple[T, ...]) -> tuple[T, ...]:
    seen: dict[Any, int] = {}
    for index, item in enumerate(items):
        if item in seen:
            raise problem(
                "list-duplicate",
                f"{quote(item)} is listed twice",
                "keep one",
                below=(index,),
                first=(seen[item],),
                first_label="first listed here",
            )
        seen[item] = index
    return items


Unique = AfterValidator(_unique)
Models = Annotated[tuple[Annotated[ModelName, Word("model")], ...], Unique]
ServedModels = Annotated[tuple[ServedModel, ...], Unique]
Callables = Annotated[tuple[Annotated[ModelName, Word("callable")], ...], Unique]
Groups = Annotated[tuple[Annotated[GroupName, Word("group", new=True)], ...], Unique]
"""What a model or a route group carries; what nobody has carried before becomes a group."""
GrantedGroups = Annotated[tuple[Annotated[GroupName, Word("group")], ...], Unique]
EndpointName = Annotated[Name, Word("endpoint", new=True)]
"""An endpoint of the same file or of a region."""
TierName = Annotated[Name, Word("tier")]
RegionName = Annotated[RegionId, Word("region")]
Tags = Annotated[tuple[Tag, ...], Unique]


_INSTANT = r"2[01]\d\d-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?"


def parse_days(text: str) -> timedelta:
    """A span of whole days such as ``90d``; ``ValueError`` for any other spelling."""
    if re.fullmatch(r"[0-9]{1,4}d", text):
        return timedelta(days=int(text.removesuffix("d")))
    raise ValueError(f"{quote(text)} is not a number of days")


def parse_instant(text: str) -> datetime:
    """A date (midnight UTC) or a UTC timestamp; ``ValueError`` for any other spelling."""
    try:
        if re.fullmatch(_INSTANT, text, re.ASCII):
            return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)
    except ValueError:
        pass  # spelled like a date, but for a day that does not exist
    raise ValueError(f"{quote(text)} is not a date or a UTC timestamp")


def format_instant(moment: datetime) -> str:
    """An instant in the shortest spelling that ``parse_instant`` reads."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ").removesuffix("T00:00:00Z")


def _instant(value: Any) -> datetime:
    text = _text(value, "write a date such as 2026-01-01")
    try:
        return parse_instant(text)
    except ValueError:
        raise problem(
            "value-invalid",
            f"{quote(text)} is not a date or a UTC timestamp",
            _spelled(text) or "write 2026-01-01 (midnight UTC) or 2026-01-01T12:00:00Z",
        ) from None


_YEAR_FIRST = re.compile(r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?P<time>T\d\d:\d\d:\d\dZ)?")
_DAY_FIRST = re.compile(r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})(?P<time>)")


def _spelled(text: str) -> str:
    """A date of another spelling in ours, as a hint; nothing where it could be two dates, or is none."""
    found = _YEAR_FIRST.fullmatch(text) or _DAY_FIRST.fullmatch(text)
    date = f"{found['y']}-{found['m']:0>2}-{found['d']:0>2}{found['time'] or ''}" if found else ""
    try:
        parse_instant(date)
    except ValueError:
        return ""
    return f"write '{date}'"


Instant = Annotated[
    datetime,
    PlainValidator(_instant),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": f"^{_INSTANT}$",
            "examples": ["2026-01-01", "2026-01-01T12:00:00Z"],
        }
    ),
]


def _price(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        meant = misspelled_number(value)
        hint = f"write '{meant}'" if meant else "write a plain number such as 2.50, without quotes"
        raise problem("type-wrong", f"expected a number, found {kind_of(value)}", hint, fix=number_of(value))
    price = Decimal(value)
    if price < 0:
        raise problem("price-negative", "a price cannot be negative", "a free unit costs 0")
    if price and not -12 <= price.adjusted() <= 9:
        raise problem("value-invalid", "a price per million tokens lies between 1e-12 and 1e9")
    return price or Decimal()  # -0.0 is no price to write into a document


Price = Annotated[
    Decimal,
    PlainValidator(_price),
    WithJsonSchema({"type": "number", "minimum": 0, "examples": [2.5]}),
]


def _seconds(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        meant = misspelled_number(value)
        hint = f"write '{meant}'" if meant else "write a plain number such as 30, without quotes"
        message = f"expected a number of seconds, found {kind_of(value)}"
        raise problem("type-wrong", message, hint, fix=number_of(value))
    if not 0 < value <= 3600:
        hint = "write seconds, not milliseconds" if value > 3600 else ""
        raise problem("value-invalid", "a time limit lies above 0 and up to 3600 seconds", hint)
    return Decimal(value)


Seconds = Annotated[
    Decimal,
    PlainValidator(_seconds),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 3600, "examples": [30]}),
]


_USUAL = ("USD", "EUR", "CHF", "GBP", "JPY")
"""What a code that does not exist was probably meant to be."""


def _currency(value: Any) -> str:
    text = _text(value)
    if text not in CURRENCIES:
        hint = "write an ISO 4217 code such as USD"
        hint = f"write '{text.upper()}'" if text.upper() in CURRENCIES else did_you_mean(text, _USUAL, hint)
        fix = text.upper() if text.upper() in CURRENCIES else None
        raise problem("price-currency", f"{quote(text)} is not a currency of ISO 4217", hint, fix=fix)
    return text


Currency = Annotated[
    str,
    PlainValidator(_currency),
    WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$", "examples": ["USD", "EUR", "CHF"]}),
]


def _secret(value: Any) -> Ref:
    text = _text(value, "write ref+gcpsecrets://PROJECT/SECRET or ref+env://NAME")
    ref = refs.parse(text)
    if ref is not None:
        return ref
    if literals.is_pointer(text):
        raise problem("ref-invalid", "this ref points nowhere", f"the forms are {refs.SYNTAX}")
    if (not text.startswith("ref+") and "ref+" in text) or "os.environ/" in text:
        raise problem(
            "ref-embedded",
            "a ref is only a part of this value",
            "a ref is the whole value; store the whole secret",
        )
    if re.match(r"ref\+\w{1,20}:", text):
        raise problem("ref-invalid", "this ref points nowhere", f"the forms are {refs.SYNTAX}")
    raise problem(
        "secret-literal",
        "a secret is written out where a ref belongs",
        "revoke it, store the new one and write ref+gcpsecrets://PROJECT/SECRET or ref+env://NAME",
    )


SecretRef = Annotated[
    Ref,
    PlainValidator(_secret),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^(ref\+(gcpsecrets|env|file)://|os\.environ/|sm://|projects/)",
            "examples": ["ref+gcpsecrets://my-project/azure-key?version=3", "ref+env://AZURE_KEY"],
        }
    ),
]
