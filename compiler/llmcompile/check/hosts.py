"""Hosts: a URL fits the endpoint that it is written at. A wrong host gets the key that was meant for another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from llmcompile.azure_regions import REGIONS, region_in, words
from llmcompile.check.context import Context
from llmcompile.diagnostics import Diagnostic, Place, Related
from llmcompile.inputs.endpoint import Authenticated
from llmcompile.inputs.urls import host_of, operation_in
from llmcompile.link.catalogue import Account, Catalogue, Endpoint, Region
from llmcompile.providers import PROVIDERS
from llmcompile.suggest import a_letter_off, letters_off

_WELL_KNOWN = ("openai.azure.com", "cognitiveservices.azure.com", "services.ai.azure.com", "microsoftonline.com")
_WORD = 6
"""Shorter words of a host's name are like too many others."""


class _Written(NamedTuple):
    """A host where it is written."""

    place: Place
    host: str

    @property
    def domain(self) -> str:
        """What stands behind the first label."""
        return self.host.partition(".")[2]


def paths(context: Context) -> Iterator[Diagnostic]:
    """A base URL ends where the router goes on."""
    for owner in context.owners:
        for name, endpoint in owner.input.endpoints.items():
            url = endpoint.base_url or ""
            if operation := operation_in(url):
                place = Place(owner.file, ("endpoints", name, "base_url"))
                message = f"the base URL goes on to {operation}, which the router adds itself"
                yield Diagnostic("url-path", message, place, f"write '{url.removesuffix(operation)}/'")


def domains(context: Context) -> Iterator[Diagnostic]:
    """No domain is a letter away from one that others have."""
    hosts = [each for owner in context.owners for each in _hosts(owner)]
    around = _platform(context.catalogue)
    usual = Counter([each.domain for each in (*around, *[each for each in hosts if each not in around])])
    for each in hosts:
        domain, count = each.domain, usual[each.domain]
        rivals = frozenset([other for other, often in usual.items() if other != domain and often >= count])
        meant = _misspelled_domain(domain, rivals)
        if meant:
            first = {other.domain: other.place for other in reversed([*hosts, *around])}
            related = (Related(first[meant], "the other one"),) if meant in first else ()
            message = f"the domain '{domain}' is a letter away from '{meant}'"
            yield Diagnostic("host-unlikely", message, each.place, f"did you mean '{meant}'?", related)


@lru_cache(maxsize=1)
def _platform(catalogue: Catalogue) -> dict[_Written, None]:
    """The hosts of all regions, in order: the same for every account."""
    return dict.fromkeys(each for region in catalogue.regions.values() for each in _hosts(region))


@lru_cache(maxsize=4096)
def _misspelled_domain(domain: str, rivals: frozenset[str]) -> str | None:
    """What a domain is a letter away from: one that others have as often, or a well-known one."""
    if domain in _WELL_KNOWN or "." not in domain:
        return None
    return a_letter_off(domain, rivals.union(_WELL_KNOWN))


def names(context: Context) -> Iterator[Diagnostic]:
    """A host's own name spells locations, and what its endpoint or account is called, as they are."""
    for owner in context.owners:
        own = owner.input.account if isinstance(owner, Account) else owner.input.region
        for name, written in owner.input.endpoints.items():
            for host in _of(Place(owner.file, ("endpoints", name)), written):
                for word in words(host.host.partition(".")[0]):
                    meant = _almost(word, own, name) if len(word) >= _WORD else None
                    if meant:
                        message = f"'{word}' in the host is almost '{meant}'"
                        yield Diagnostic("host-unlikely", message, host.place, f"did you mean '{meant}'?")


def _almost(word: str, *own: str) -> str | None:
    """What a word of a host's name is a letter away from: a location of Azure, or a name of its own."""
    if word in own or word in REGIONS:
        return None
    found = {*_almost_regions(word), *letters_off(word, own)}
    return found.pop() if len(found) == 1 else None


@lru_cache(maxsize=4096)
def _almost_regions(word: str) -> tuple[str, ...]:
    return tuple(letters_off(word, REGIONS))


def locations(context: Context) -> Iterator[Diagnostic]:
    """An endpoint is where its name or location says, as far as its host says where."""
    for owner in context.owners:
        for name, endpoint in owner.endpoints.items():
            written = owner.input.endpoints[name]
            host = region_in(host_of(endpoint.base_url))
            said = written.location or region_in(name)
            if host and said and said in REGIONS and host != said and endpoint.provider.name == "azure":
                step = "location" if written.location else None
                place = Place(owner.file, ("endpoints", name))
                at = place / "location" if step else place.key()
                related = (Related(at, "its location"),)
                message = f"endpoint '{name}' is in {said}, its host in {host}"
                hint = "correct the one that is wrong, or name the endpoint after nothing"
                yield Diagnostic("host-unlikely", message, _base_url(place, written), hint, related)


def providers(context: Context) -> Iterator[Diagnostic]:
    """An endpoint is of the provider that its host, or its own name, speaks of."""
    for owner in context.owners:
        for name, endpoint in owner.endpoints.items():
            written = owner.input.endpoints[name]
            other = _other_provider(endpoint, written.base_url)
            if other is not None:
                place = Place(owner.file, ("endpoints", name))
                at = place / "provider" if written.provider else place.key()
                where = _base_url(place, written) if written.base_url else place.key()
                message = f"endpoint '{name}' is {endpoint.provider.name}'s and speaks of {other}"
                related = (Related(where, "here"),)
                yield Diagnostic("host-unlikely", message, at, f"did you mean '{other}'?", related)


def _other_provider(endpoint: Endpoint, base_url: str | None) -> str | None:
    """The one other provider that the host names, or where no URL is written the endpoint's name."""
    text = host_of(base_url) if base_url else endpoint.name
    spoken = set(words(text.lower()))
    if endpoint.provider.name in spoken:
        return None
    # Azure's resources are called after OpenAI in many ways.
    found = sorted((spoken & PROVIDERS.keys()) - ({"openai"} if endpoint.provider.name == "azure" else set()))
    return found[0] if len(found) == 1 else None


def twice(context: Context) -> Iterator[Diagnostic]:
    """No two endpoints of one owner are one deployment: when it is gone, both are."""
    for owner in context.owners:
        seen: dict[tuple[str, str, str], Endpoint] = {}
        for endpoint in owner.endpoints.values():
            for each in endpoint.served:
                upstream = each.upstream or f"{endpoint.prefix or ''}{each.code}"
                deployment = endpoint.base_url.rstrip("/"), each.code, upstream
                first = seen.setdefault(deployment, endpoint)
                if first is not endpoint and owner.input.endpoints[endpoint.name].base_url:
                    message = f"endpoint '{endpoint.name}' is the deployment that '{first.name}' is"
                    related = (Related(first.place / "base_url", "the other one"),)
                    hint = "write its own URL, or remove one of the two"
                    yield Diagnostic("endpoint-same", message, endpoint.place / "base_url", hint, related)
                    break


def _hosts(owner: Region | Account) -> Iterator[_Written]:
    for name, endpoint in owner.input.endpoints.items():
        yield from _of(Place(owner.file, ("endpoints", name)), endpoint)


def _of(place: Place, written: Authenticated) -> Iterator[_Written]:
    if written.base_url:
        yield _Written(place / "base_url", host_of(written.base_url))
    if written.oauth:
        yield _Written(place / "oauth" / "token_url", host_of(written.oauth.token_url))


def _base_url(place: Place, written: Authenticated) -> Place:
    return place / "base_url" if written.base_url else place.key()
