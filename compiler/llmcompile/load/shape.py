"""Validates plain data against an input model and turns pydantic's errors into diagnostics with routes."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from llmcompile import literals, refs
from llmcompile.codes import CODES
from llmcompile.diagnostics import Diagnostic, Fix, Place, Related, Route
from llmcompile.inputs.model import UNITS
from llmcompile.inputs.values import kind_of, misspelled_number, number_of, quoted
from llmcompile.literals import quote
from llmcompile.suggest import did_you_mean, fix_for

M = TypeVar("M", bound=BaseModel)

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "tuple_type": "a list",
}
_RANGES = {
    "greater_than_equal": "must be at least {ge:,}",
    "less_than_equal": "must be at most {le:,}",
    "string_too_short": "must not be empty",
    "string_too_long": "must not be longer than {max_length} characters",
    "too_short": "must have at least one entry",
}
_FILL_IN = "fill it in or remove the key"
_SECRETS = ("secret-literal", "url-credentials")
_HINTS = {
    "string_type": "quote it",
    "bool_type": "write true or false, without quotes",
    "int_type": "write a plain whole number such as 10, without quotes",
    "tuple_type": "write a list: [one, two]",
    "dict_type": "write 'key: value', without dashes",
    "model_type": "write 'key: value', without dashes",
}


def validate(model: type[M], file: str, data: Any) -> tuple[M | None, list[Diagnostic]]:
    """The data as an input model, and what is wrong with it. With errors there is no model."""
    harmless = _is_harmless(data)
    literal = [] if harmless else list(_literals(file, (), data))
    lost = [] if harmless else list(_nothings(file, (), data))
    try:
        read = model.model_validate(data)
        return (None, literal + lost) if lost else (read, literal)
    except ValidationError as error:
        details = error.errors(include_url=False)
        found = [_diagnostic(model, file, data, detail) for detail in details]
        said = {each.place.route for each in found}
        found += [each for each in lost if each.place.route not in said]
        return None, _without_echoes(found, literal)


def _without_echoes(found: list[Diagnostic], literal: list[Diagnostic]) -> list[Diagnostic]:
    """One diagnostic for one mistake: a misspelled key is not missing as well."""
    # A secret or a ref that landed in some field is that mistake, whatever else is wrong with it as a value.
    places = {each.place for each in literal}
    found = [each for each in found if each.place not in places or each.code in _SECRETS]
    meant = {(each.place.route[:-1], each.hint) for each in found if each.code == "key-unknown"}
    written = {each.place.route for each in found if each.code in _SECRETS}
    unknown = {(each.place.route, "ref-misplaced") for each in found if each.code == "key-unknown"}
    kept = [each for each in found if each.code != "key-missing" or (each.place.route, _meant(each)) not in meant]
    rest = [each for each in literal if (each.place.route, each.code) not in unknown]
    return kept + [each for each in rest if each.place.route not in written]


def _meant(missing: Diagnostic) -> str:
    """The hint that a misspelling of the missing key has."""
    return f"did you mean '{missing.hint.removeprefix('add ').partition(':')[0]}'?"


def _diagnostic(model: type[BaseModel], file: str, data: Any, detail: ErrorDetails) -> Diagnostic:
    kind, context = detail["type"], detail.get("ctx", {})
    loc = _untagged(detail["loc"])
    # What people write may be called "[key]" too: then it is the key that does not exist.
    at_key = bool(loc) and loc[-1] == "[key]" and kind != "extra_forbidden"
    place = Place(file, loc[:-1] if at_key else loc)
    place = place.key() if at_key else place
    if kind in CODES:
        return _own(kind, context, place)
    if kind == "extra_forbidden":
        name = str(loc[-1])
        known = _fields(model, loc[:-1])
        hint = _split_number(data, loc) or did_you_mean(name, known, f"known keys: {', '.join(sorted(known))}")
        return Diagnostic(
            "key-unknown", f"unknown key {quote(name)}", place.key(), hint, fix=fix_for(name, known, closed=True)
        )
    if kind == "missing":
        parent = Place(file, loc[:-1], "key")
        return Diagnostic("key-missing", f"required key '{loc[-1]}' is missing", parent, f"add {loc[-1]}:")
    if kind in _EXPECTED:
        found = kind_of(detail["input"])
        hint = _rewritten(kind, detail["input"]) or _HINTS.get(kind, "") if found != "nothing" else _FILL_IN
        message = f"expected {_EXPECTED[kind]}, found {found}"
        return Diagnostic("type-wrong", message, place, hint, fix=_retyped(kind, detail["input"]))
    if kind == "literal_error":
        return _unknown_value(context, place, detail["input"])
    form = _RANGES.get(kind)
    return Diagnostic("value-invalid", form.format(**context) if form else detail["msg"], place)


def _untagged(loc: Route) -> Route:
    """A route of pydantic's without the tag that names the branch of ``supported_models``."""
    tagged = loc[2:3] == ("supported_models",) and loc[3:4] in (("<list>",), ("<map>",))
    return (*loc[:3], *loc[4:]) if tagged else loc


def _own(code: str, context: dict[str, Any], place: Place) -> Diagnostic:
    below = Place(place.file, (*place.route, *context.get("below", ())), context.get("at", place.at))
    related: tuple[Related, ...] = ()
    if "first" in context:
        related = (Related(Place(place.file, (*place.route, *context["first"])), context["first_label"]),)
    fix = Fix(context["fix"]) if context.get("fix") is not None else None
    return Diagnostic(code, context["message"], below, context["hint"], related, fix)


def _retyped(kind: str, value: Any) -> Fix | None:
    """The value with or without quotes, where that alone was wrong."""
    if kind == "string_type":
        retyped: str | int | Decimal | None = quoted(value)
    elif kind == "bool_type":
        retyped = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}.get(
            value.lower() if isinstance(value, str) else ""
        )
    else:
        retyped = number_of(value) if kind == "int_type" else None
        retyped = None if isinstance(retyped, Decimal) else retyped
    return None if retyped is None else Fix(retyped)


def _rewritten(kind: str, value: Any) -> str:
    """What to write instead, where the value says it."""
    if kind == "tuple_type" and isinstance(value, str) and value.isprintable() and len(value) < 200:
        return f"write a list: [{value}]"
    number = misspelled_number(value) if kind == "int_type" else None
    return f"write '{number}'" if number is not None else ""


def _split_number(data: Any, route: Route) -> str:
    """What to write where a comma inside of a number has made a key of its second half; else nothing."""
    for step in route[:-1]:
        data = data[step]
    if not isinstance(data, dict) or not str(route[-1]).isdigit() or data[route[-1]] is not None:
        return ""
    before = [key for key in data if key != route[-1]]
    at = list(data).index(route[-1])
    first = data[before[at - 1]] if at else None
    if not isinstance(first, int) or isinstance(first, bool):
        return ""
    whole = len(str(route[-1])) == 3 and first and before[at - 1] not in UNITS
    return f"a comma separates entries: write '{first}{'' if whole else '.'}{route[-1]}'"


def _is_harmless(data: Any) -> bool:
    """Whether no value is lost and none looks like a secret or a misplaced ref: so it is nearly always.

    It says the same as looking for them with their routes does, in a fraction of the time.
    """
    waiting = [data]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            for key, item in value.items():
                if literals.looks_literal(key):
                    return False
                if not isinstance(item, str):
                    if item is None:
                        return False
                    waiting.append(item)
                elif literals.looks_literal(item) or (literals.is_pointer(item) and not literals.is_secret_field(key)):
                    return False
        elif isinstance(value, tuple):
            waiting += value
        elif isinstance(value, str) and (literals.is_pointer(value) or literals.looks_literal(value)):
            return False
    return True


_MAY_BE_NOTHING = (("access_groups",), ("default_params",))
"""Where null says something: a group without a description, a parameter that is null."""


def _nothings(file: str, route: Route, value: Any) -> Iterator[Diagnostic]:
    """Every key that has lost its value: what was written there would be left out without a word."""
    if isinstance(value, dict):
        for key, item in value.items():
            here = (*route, key)
            if item is None and route not in _MAY_BE_NOTHING:
                yield Diagnostic("type-wrong", "expected a value, found nothing", Place(file, here), _FILL_IN)
            yield from _nothings(file, here, item)
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _nothings(file, (*route, index), item)


def _unknown_value(context: dict[str, Any], place: Place, value: Any) -> Diagnostic:
    known = [each.strip("'") for each in context["expected"].replace(" or ", ", ").split(", ")]
    known = [each for each in known if each != "native_async_batch"]
    words = ", ".join(known)
    if "'" not in context["expected"]:  # a number
        if isinstance(value, int) and not isinstance(value, bool):
            return Diagnostic("value-unknown", f"{value} is not a known value", place, f"write {words}")
        hint = f"write {words}, without quotes" if str(value) in known else f"write {words}"
        fix = Fix(int(value)) if isinstance(value, str) and value in known else None
        return Diagnostic("type-wrong", f"expected a whole number, found {kind_of(value)}", place, hint, fix=fix)
    if not isinstance(value, str):
        return Diagnostic("type-wrong", f"expected text, found {kind_of(value)}", place, f"write one of {words}")
    message = f"{quote(value)} is not one of {words}"
    return Diagnostic(
        "value-unknown", message, place, did_you_mean(value, known), fix=fix_for(value, known, closed=True)
    )


def _fields(model: type[BaseModel], route: Route) -> list[str]:
    """The keys that may stand at a route, found by walking the models' annotations."""
    current: Any = model
    for step in route:
        if isinstance(current, type) and issubclass(current, BaseModel):
            current = current.model_fields[str(step)].annotation if step in current.model_fields else None
        else:
            inner = [each for each in get_args(current) if each is not Ellipsis]
            current = inner[-1] if get_origin(current) is dict and inner else inner[0] if inner else None
        current = _unwrapped(current)
    return list(current.model_fields) if isinstance(current, type) and issubclass(current, BaseModel) else []


def _unwrapped(annotation: Any) -> Any:
    while get_args(annotation) and get_origin(annotation) not in (dict, tuple):
        annotation = get_args(annotation)[0]
    return annotation


def _literals(file: str, route: Route, value: Any) -> Iterator[Diagnostic]:
    """Every value, and every key, that looks like a secret of a known provider; every ref that would stay text."""
    if isinstance(value, str):
        name = str(route[-1]) if route else ""
        if literals.is_pointer(value) and refs.parse(value) and not literals.is_secret_field(name):
            message = "a ref in a field that holds no secret; nothing would resolve it"
            hint = "write the value itself; refs are for api_key and client_secret"
            yield Diagnostic("ref-misplaced", message, Place(file, route), hint)
        if literals.looks_literal(value):
            yield Diagnostic(
                "secret-literal",
                "this looks like a secret, written out",
                Place(file, route),
                "revoke it, store the new one and write ref+gcpsecrets://PROJECT/SECRET or ref+env://NAME",
            )
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _literals(file, (*route, key), item)
            if literals.looks_literal(key):
                message = "this key looks like a secret, written out"
                place = Place(file, (*route, key), "key")
                yield Diagnostic("secret-literal", message, place, "revoke it and remove it")
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _literals(file, (*route, index), item)
