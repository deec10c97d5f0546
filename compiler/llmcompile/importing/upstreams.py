"""Which provider a deployment is at, and under which base URL: the source's spellings, lowered to our registry's."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from difflib import get_close_matches
from urllib.parse import urlsplit

from pydantic_core import PydanticCustomError

from llmcompile.importing.dialects import Dialect
from llmcompile.inputs.urls import check_url, operation_in
from llmcompile.literals import quote
from llmcompile.providers import PROVIDERS, Provider

_OPENAI = re.compile(r"(gpt-|chatgpt-|ft:gpt-|o[1-9](-|$)|text-embedding-|dall-e-|whisper-|tts-)")
_DEPLOYMENT = re.compile(r"(?P<base>.*)/openai/deployments/(?P<name>[^/]+)(/.*)?")
_V1 = re.compile(r".*/openai/v1/?")
_NATIVE = ("ollama", "anthropic")
"""Providers with a dialect of their own beside OpenAI's, which is below /v1."""


class UnknownUpstream(Exception):  # noqa: N818 - the reason why a deployment is left out
    """A provider or an address that cannot be carried over, in words for the report."""


@dataclass(frozen=True, slots=True)
class Named:
    """Provider and model, as far as they are written together."""

    provider: Provider
    model: str
    guess: str = ""
    """How the provider was found where nothing says it."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where an upstream is."""

    provider: Provider
    base_url: str | None = None
    """None: the provider's default."""
    model: str | None = None
    """The deployment's name where the URL has it."""
    header: tuple[str, str] | None = None
    note: str = ""
    """What is not as it was written."""


def named(dialect: Dialect, model: str, provider: str | None) -> Named:
    """The provider of a model as it is written, and the model's name without its prefix."""
    prefix, slash, rest = model.partition("/")
    if provider is not None:
        known = _known(dialect, provider)
        same = bool(slash) and dialect.providers.get(prefix) == known.name
        return Named(known, _model(known, rest if same else model))
    if slash:
        known = _known(dialect, prefix)
        return Named(known, _model(known, rest))
    if guess := _guess(model):
        return Named(guess, model, f"the provider is not written; taken for {guess.name}")
    raise UnknownUpstream(f"nothing says which provider has {quote(model)}; write PROVIDER/ in front of it")


def _known(dialect: Dialect, name: str) -> Provider:
    if name in dialect.providers:
        return PROVIDERS[dialect.providers[name]]
    otherwise = "if it speaks OpenAI's dialect, write openai/MODEL and its api_base"
    # Closer than elsewhere: most of the names that nobody here knows are no misspellings but other providers.
    near = get_close_matches(name.lower(), dialect.providers, n=1, cutoff=0.8)
    hint = f"did you mean '{near[0]}'?" if near else otherwise
    raise UnknownUpstream(f"{quote(name)} is not in the provider registry; {hint}")


def _model(provider: Provider, name: str) -> str:
    name = name.removeprefix("converse/") if provider.name == "bedrock" else name
    if not name:
        raise UnknownUpstream("no model, or deployment, is named behind the provider")
    return name


def _guess(model: str) -> Provider | None:
    if _OPENAI.match(model):
        return PROVIDERS["openai"]
    return PROVIDERS["anthropic"] if model.startswith("claude-") else None


def address(provider: Provider, url: str | None) -> Address:
    """Where the upstream is, by the rules of our registry. ``url``: None where none is written."""
    if url is None:
        if provider.name == "bedrock":
            raise UnknownUpstream(
                "Bedrock is reached by its OpenAI-compatible endpoint: that needs api_base and api_key"
            )
        if provider.base_url is None:
            raise UnknownUpstream(f"{provider.name} has no default base URL, and no api_base is written")
        return Address(provider)
    found = _reachable(_azure(provider, url) if provider.name == "azure" else _other(provider, url))
    if found.base_url is not None:
        try:
            check_url(found.base_url)
        except PydanticCustomError as error:
            raise UnknownUpstream(f"api_base: {error.message()}") from None
        if operation := operation_in(found.base_url):
            raise UnknownUpstream(f"api_base goes on to {operation}, which the router adds itself; leave it out")
    return found


def _azure(provider: Provider, url: str) -> Address:
    if found := _DEPLOYMENT.fullmatch(url):
        return Address(provider, found["base"], found["name"], note="the deployment is named by the URL")
    if _V1.fullmatch(url):
        note = "Azure's /openai/v1 has OpenAI's shape: provider openai, with Azure's header"
        return Address(PROVIDERS["openai"], url, header=("api-key", "{api_key}"), note=note)
    return Address(provider, url)


def _other(provider: Provider, url: str) -> Address:
    default = provider.base_url
    if default is None:
        return Address(provider, url)
    host, path = _split(url)
    if (host, path) == _split(default):
        return Address(provider)
    if host == _split(default)[0] and not provider.keyless:
        return Address(provider, note=f"reached by its OpenAI-compatible address, {default}")
    if provider.name in _NATIVE and (not path or path.startswith("/api")):
        base = url.rstrip("/").removesuffix(path)
        note = f"/v1 is where {provider.name} speaks OpenAI's dialect, which is all that is spoken here"
        return _near(Address(provider, f"{base}/v1", note=note), default)
    return Address(provider, url)


def _near(found: Address, default: str) -> Address:
    return replace(found, base_url=None) if _split(found.base_url or "") == _split(default) else found


def _reachable(found: Address) -> Address:
    """0.0.0.0 is where a server listens; a client means this machine."""
    if found.base_url is None or _host(found.base_url) != "0.0.0.0":  # noqa: S104 - looked for, not bound to
        return found
    note = f"{found.note}; " if found.note else ""
    here = found.base_url.replace("//0.0.0.0", "//127.0.0.1", 1)
    return replace(found, base_url=here, note=f"{note}0.0.0.0 is no address to call: 127.0.0.1")


def _host(url: str) -> str:
    """The host of a URL, empty where it is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _split(url: str) -> tuple[str, str]:
    """Scheme, host and port of a URL, and its path without a slash at its end."""
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc.lower()}", parts.path.rstrip("/")
    except ValueError:
        return "", url
