"""Endpoints: what is written can work at the provider it is written for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from llmcompile.check.context import Context
from llmcompile.diagnostics import Diagnostic, Place, Related
from llmcompile.inputs.endpoint import Authenticated, AuthHeader
from llmcompile.inputs.urls import host_of, is_loopback
from llmcompile.link.catalogue import OAuth
from llmcompile.literals import quote
from llmcompile.load.root import PROJECT_FILE
from llmcompile.providers import PREFIXES, PROVIDERS, split_prefix
from llmcompile.suggest import did_you_mean, fix_for

_VERSION = re.compile(r"20\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(-preview)?")
_HEADER = re.compile(r"[A-Za-z0-9-]+")
_RESERVED = frozenset(
    [
        "host",
        "content-length",
        "content-type",
        "transfer-encoding",
        "connection",
        "te",
        "trailer",
        "upgrade",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "accept",
        "accept-encoding",
        "expect",
        "cookie",
        "set-cookie",
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-request-id",
        "user-agent",
    ]
)


def _written(context: Context) -> Iterator[tuple[Place, Authenticated, str | None]]:
    """Every place where authentication is written, with the provider's name as far as it is known."""
    for name, credential in context.credentials.items():
        yield Place(PROJECT_FILE, ("credentials", name)), credential, credential.provider
    for owner in context.owners:
        for name, endpoint in owner.input.endpoints.items():
            provider = owner.endpoints[name].provider.name if name in owner.endpoints else endpoint.provider
            yield Place(owner.file, ("endpoints", name)), endpoint, provider


def versions(context: Context) -> Iterator[Diagnostic]:
    """An API version is Azure's, and looks like one."""
    for place, written, name in _written(context):
        provider = PREFIXES.get(name or "azure")
        if written.version is None or provider is None:
            continue
        if provider.path_style != "azure":
            message = f"{provider.name} has no API version"
            related = (Related(place / "provider", "its provider"),)
            yield Diagnostic("api-version", message, place / "version", "remove the line", related)
        elif not _VERSION.fullmatch(written.version):
            message = f"{quote(written.version)} is not an Azure API version"
            yield Diagnostic("api-version", message, place / "version", "write YYYY-MM-DD or YYYY-MM-DD-preview")


def auth_headers(context: Context) -> Iterator[Diagnostic]:
    """A custom header belongs to a provider that has them, is no header of HTTP's own, and holds the key."""
    for place, written, name in _written(context):
        header = written.auth_header
        if header is None:
            continue
        provider = PREFIXES.get(name or "")
        if provider is not None and not provider.auth_header:
            message = f"{provider.name} takes its key in its own header"
            yield Diagnostic("auth-header", message, (place / "auth_header").key(), "remove auth_header")
        else:
            yield from _header(place / "auth_header", header)
        if written.oauth is not None:
            message = "auth_header is for keys; OAuth sends Authorization"
            yield Diagnostic("auth-header", message, (place / "auth_header").key(), "remove auth_header or oauth")


def _header(place: Place, header: AuthHeader) -> Iterator[Diagnostic]:
    if not _HEADER.fullmatch(header.name):
        message = f"{quote(header.name)} is not a header name"
        yield Diagnostic("auth-header", message, place / "name", "letters, digits and '-', as in X-Api-Key")
    elif header.name.lower() in _RESERVED:
        message = f"{quote(header.name)} is a header of HTTP's own"
        yield Diagnostic("auth-header", message, place / "name", "choose another, such as X-Api-Key")
    braces = header.format.count("{") + header.format.count("}")
    printable = header.format.isascii() and header.format.isprintable()
    if header.format.count("{api_key}") != 1 or braces != 2 or not printable:
        message = "the format needs the placeholder {api_key} exactly once, and no other braces"
        yield Diagnostic("auth-header", message, place / "format", "write '{api_key}' or 'Bearer {api_key}'")


def auth_kinds(context: Context) -> Iterator[Diagnostic]:
    """OAuth is Azure's, and for accounts; a document of a region has no place for it."""
    for place, written, name in _written(context):
        provider = PREFIXES.get(name or "")
        if written.oauth is not None and provider is not None and not provider.oauth:
            message = f"{provider.name} takes an API key, not OAuth"
            related = (Related(place / "provider", "its provider"),)
            yield Diagnostic("auth-unsupported", message, (place / "oauth").key(), "write api_key", related)
    for region in context.regions:
        for name, endpoint in region.endpoints.items():
            if isinstance(endpoint.auth, OAuth):
                written_endpoint = region.input.endpoints[name]
                field = "credential" if written_endpoint.credential else "oauth"
                message = "the platform's endpoints authenticate by API key, not by OAuth"
                place = endpoint.place / field
                place, hint = (
                    (place, "use one with api_key") if field == "credential" else (place.key(), "write api_key")
                )
                yield Diagnostic("auth-unsupported", message, place, hint)


def credentials(context: Context) -> Iterator[Diagnostic]:
    """A named credential has a provider that exists and something to authenticate with."""
    for name, credential in context.credentials.items():
        place = Place(PROJECT_FILE, ("credentials", name))
        if credential.provider is not None and credential.provider not in PREFIXES:
            hint = did_you_mean(credential.provider, PREFIXES, f"one of {', '.join(PROVIDERS)}")
            message = f"no provider {quote(credential.provider)} in the registry"
            fix = fix_for(credential.provider, PREFIXES, closed=True)
            yield Diagnostic("provider-unknown", message, place / "provider", hint, fix=fix)
        if credential.api_key is None and credential.oauth is None:
            message = "a credential without api_key or oauth"
            yield Diagnostic("auth-missing", message, place.key(), "add api_key: ref+gcpsecrets://PROJECT/SECRET")


def keyless(context: Context) -> Iterator[Diagnostic]:
    """Without a key, only one's own machine is called."""
    for endpoint in context.endpoints():
        host = host_of(endpoint.base_url)
        if endpoint.auth is None and not is_loopback(host):
            message = f"endpoint '{endpoint.name}' sends no key to another machine"
            hint = "add api_key, or run the model on loopback"
            yield Diagnostic("auth-missing", message, endpoint.place.key(), hint)


def capabilities(context: Context) -> Iterator[Diagnostic]:
    """An endpoint lists only models of types that its provider can serve."""
    for endpoint in context.endpoints():
        for served in endpoint.served:
            model = context.catalogue.models.get(served.code)
            if model is None or endpoint.provider.can_serve(model.input.type, model.realtime):
                continue
            what = f"{model.input.type} models"
            if model.input.realtime and model.input.type != "realtime":
                what += " in real time"
            able = ", ".join(sorted(endpoint.provider.abilities))
            yield Diagnostic(
                "provider-capability",
                f"{endpoint.provider.name} cannot serve {what}: '{served.code}'",
                served.place,
                f"{endpoint.provider.name} serves {able}",
                (Related(Place(model.file, ("type",)), "its type"),),
            )


def served_twice(context: Context) -> Iterator[Diagnostic]:
    """A model is listed once, whatever prefix it is written with."""
    for account in context.accounts:
        for endpoint in account.endpoints.values():
            yield from _twice((served.code, served.place) for served in endpoint.served)
    for region in context.regions:
        place = Place(region.file) / "models"
        yield from _twice((split_prefix(listed)[1], (place / listed).key()) for listed in region.input.models)


def _twice(listed: Iterable[tuple[str, Place]]) -> Iterator[Diagnostic]:
    first: dict[str, Place] = {}
    for code, place in listed:
        if code in first:
            related = (Related(first[code], "first listed here"),)
            yield Diagnostic("list-duplicate", f"{quote(code)} is listed twice", place, "keep one", related)
        first.setdefault(code, place)


def prefixes(context: Context) -> Iterator[Diagnostic]:
    """A deployment prefix stands in front of names, and ends in a separator, or the names run together."""
    for account in context.accounts:
        for name, endpoint in account.input.endpoints.items():
            prefix, models = endpoint.deployment_prefix, endpoint.supported_models
            place = Place(account.file, ("endpoints", name, "deployment_prefix"))
            if prefix is None:
                continue
            if isinstance(models, dict):
                message = f"the prefix {quote(prefix)} stands in front of nothing"
                hint = "remove it: names written as {public: upstream} are left as they are"
                yield Diagnostic("prefix-unused", message, place.key(), hint)
            elif prefix[-1].isalnum():
                message = f"deployments are named {quote(prefix + next(iter(models), 'gpt-4o'))}"
                yield Diagnostic("prefix-separator", message, place, f"meant '{prefix}-'? it is joined as written")
