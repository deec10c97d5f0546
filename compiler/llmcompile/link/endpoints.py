"""Links one endpoint: its provider, its credential, the provider's defaults, the models it serves.

What cannot be linked is said here, where the name is looked up; whether the result makes sense is for the checks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from llmcompile.diagnostics import Diagnostic, Place, Related
from llmcompile.inputs.endpoint import AccountEndpoint, Authenticated
from llmcompile.inputs.endpoint import Credential as CredentialInput
from llmcompile.inputs.endpoint import Endpoint as EndpointInput
from llmcompile.inputs.project import Project
from llmcompile.link.catalogue import Endpoint, OAuth, Served
from llmcompile.literals import quote
from llmcompile.load.root import PROJECT_FILE
from llmcompile.providers import PREFIXES, PROVIDERS, Provider, split_prefix
from llmcompile.refs import Ref
from llmcompile.suggest import did_you_mean, fix_for, nearest_declared

Listed = tuple[str, str | None, Place]
"""A model as an endpoint lists it: the name as written, the upstream's own name, the place."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EndpointLinker:
    """Links endpoints against the project's credentials."""

    project: Project
    diagnostics: list[Diagnostic]

    def link(
        self,
        name: str,
        place: Place,
        written: EndpointInput,
        listed: list[Listed],
        *,
        keyless: bool = False,
        prefix: str | None = None,
    ) -> Endpoint | None:
        """The endpoint with everything filled in; None where provider, credential or URL lead nowhere."""
        credential = self._credential(place, written)
        if written.credential and credential is None:
            return None
        provider = self._provider(place, written, credential, listed)
        if provider is None:
            return None
        shared = credential or written
        base_url = self._merged(place, written, "base_url", written.base_url, shared.base_url) or provider.base_url
        if base_url is None:
            hint = "add base_url: https://..."
            message = f"{provider.name} has no default base URL"
            related = (Related(place / "provider", "its provider"),) if written.provider else ()
            self.diagnostics.append(Diagnostic("base-url-missing", message, place.key(), hint, related))
            return None
        auth = _auth(shared)
        if auth is None and not keyless and not provider.keyless:
            if credential is None:  # a credential without any is said where it is declared
                self._say_auth_missing(place, written, provider)
            return None
        return Endpoint(
            name=name,
            place=place,
            provider=provider,
            base_url=base_url,
            version=self._merged(place, written, "version", written.version, shared.version),
            auth=auth,
            auth_header=self._merged(place, written, "auth_header", written.auth_header, shared.auth_header),
            prefix=prefix,
            served=tuple(Served(split_prefix(each)[1], upstream, at) for each, upstream, at in listed),
            timeout_seconds=written.timeout_seconds,
            weight=written.weight,
            tags=written.tags,
            chat_batching=written.chat_batching,
        )

    def _say_auth_missing(self, place: Place, written: EndpointInput, provider: Provider) -> None:
        with_oauth = provider.oauth and isinstance(written, AccountEndpoint)
        ways = "api_key, oauth or credential" if with_oauth else "api_key or credential"
        hint = f"add {ways}; a key is a ref such as ref+gcpsecrets://PROJECT/SECRET"
        self._say("auth-missing", f"{provider.name} needs a way to authenticate", place, hint, at_key=True)

    def _say(self, code: str, message: str, place: Place, hint: str = "", *, at_key: bool = False) -> None:
        self.diagnostics.append(Diagnostic(code, message, place.key() if at_key else place, hint))

    def _credential(self, place: Place, written: EndpointInput) -> CredentialInput | None:
        name = written.credential
        if name is None:
            return None
        known = self.project.credentials
        if name not in known:
            hint = did_you_mean(name, known, f"declare it under credentials: in {PROJECT_FILE}")
            at, message = place / "credential", f"no credential {quote(name)}"
            near = nearest_declared(name, known, Place(PROJECT_FILE, ("credentials",)))
            self.diagnostics.append(Diagnostic("credential-unknown", message, at, hint, near, fix_for(name, known)))
            return None
        return known[name]

    def _merged(self, place: Place, written: EndpointInput, field: str, own: T | None, shared: T | None) -> T | None:
        """The credential's field if it has one, else the endpoint's own; a warning where they disagree."""
        if own is not None and shared is not None and own != shared:
            wins = Place(PROJECT_FILE, ("credentials", str(written.credential), field))
            message = f"{field} is overridden by the credential '{written.credential}'"
            related = (Related(wins, "this one wins"),)
            self.diagnostics.append(
                Diagnostic("credential-overrides", message, place / field, "remove one of them", related)
            )
        return own if shared is None else shared

    def _provider(
        self, place: Place, written: EndpointInput, credential: CredentialInput | None, listed: list[Listed]
    ) -> Provider | None:
        if written.provider is not None:
            own = self._known_provider(place / "provider", written.provider)
            self._same_provider(place, own, written, credential)
            self._prefixes_agree(own, listed)
            return own
        if credential is not None and credential.provider is not None:
            shared = PREFIXES.get(credential.provider)  # one that does not exist is said at the credential
            self._prefixes_agree(shared, listed)
            return shared
        return self._prefixed_provider(place, listed)

    def _known_provider(self, place: Place, name: str) -> Provider | None:
        if name in PREFIXES:
            return PREFIXES[name]
        hint = did_you_mean(name, PREFIXES, f"one of {', '.join(PROVIDERS)}")
        message = f"no provider {quote(name)} in the registry"
        fix = fix_for(name, PREFIXES, closed=True)
        self.diagnostics.append(Diagnostic("provider-unknown", message, place, hint, fix=fix))
        return None

    def _same_provider(
        self, place: Place, own: Provider | None, written: EndpointInput, credential: CredentialInput | None
    ) -> None:
        shared = PREFIXES.get(credential.provider or "") if credential else None
        if own and shared and own != shared:
            message = f"the endpoint is {own.name}'s, its credential {shared.name}'s"
            at = Place(PROJECT_FILE, ("credentials", str(written.credential), "provider"))
            related = (Related(at, "the credential's provider"), Related(place / "provider", "the endpoint's"))
            hint = "use a credential of the same provider"
            self.diagnostics.append(Diagnostic("credential-provider", message, place / "credential", hint, related))

    def _prefixes_agree(self, provider: Provider | None, listed: list[Listed]) -> None:
        for name, _, place in listed:
            prefix, rest = split_prefix(name)
            if provider and prefix and prefix != provider:
                message = f"{quote(name)} names {prefix.name}, the endpoint is {provider.name}'s"
                at_key = isinstance(place.route[-1], str)  # {public: upstream}
                self._say("provider-conflict", message, place, f"write '{rest}'", at_key=at_key)

    def _prefixed_provider(self, place: Place, listed: list[Listed]) -> Provider | None:
        """The provider that all listed models name as their prefix; accepted, with a note."""
        prefixes = [split_prefix(name)[0] for name, _, _ in listed]
        first = next((each for each in prefixes if each), None)
        if first is None or any(each != first for each in prefixes):
            hint = "write an endpoint for each provider" if first else "add provider: NAME, such as azure"
            message = "no provider is written" + (", and the models' prefixes do not agree on one" if first else "")
            self._say("provider-missing", message, place, hint, at_key=True)
            return None
        name, _, at = listed[0]
        self._say(
            "provider-prefix",
            f"the provider is read from the prefix of {quote(name)}",
            at,
            f"prefer provider: {first.name} on the endpoint and '{split_prefix(name)[1]}' here",
        )
        return first


def _auth(written: Authenticated) -> Ref | OAuth | None:
    if written.oauth:
        oauth = written.oauth
        return OAuth(oauth.token_url, oauth.client_id, oauth.client_secret, oauth.scopes)
    return written.api_key
