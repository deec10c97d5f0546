"""How a deployment is reached: address, authentication, time limit, weight and tags become an endpoint's fields.

Whatever must be known for that and is not raises ``LeftOut``: the deployment cannot be carried over then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from urllib.parse import urlsplit

from pydantic import ValidationError

from llmcompile.importing import texts, upstreams
from llmcompile.importing.dialects import Dialect
from llmcompile.importing.drafts import Auth, Key, Kind, Named, OAuth, Target
from llmcompile.importing.keys import Keys
from llmcompile.importing.report import Report, Table
from llmcompile.importing.source import Value
from llmcompile.inputs.endpoint import ChatBatching
from llmcompile.inputs.urls import is_loopback
from llmcompile.literals import quote
from llmcompile.providers import Provider
from llmcompile.refs import Ref

_VERSION = re.compile(r"20\d\d-\d\d-\d\d(-preview)?")
_SCOPE = "https://cognitiveservices.azure.com/.default"
_TOKENS = "https://login.microsoftonline.com/{}/oauth2/v2.0/token"
_MAX_SECONDS = 3600


class LeftOut(Exception):  # noqa: N818 - a decision that is caught where deployments are read
    """Why a deployment is not carried over."""

    def __init__(self, at: Value, reason: str) -> None:
        super().__init__(reason)
        self.at, self.reason = at, reason


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the source's list, taken apart."""

    at: Value
    table: Table
    params: Table
    info: Table


@dataclass(slots=True)
class Credentials:
    """Named credentials: what the source declares, and what deployments used of it."""

    declared: dict[str, Value] = field(default_factory=dict)
    """The values of ``credential_list``, by name."""
    used: dict[str, Ref] = field(default_factory=dict)
    """By our name."""
    names: dict[str, str] = field(default_factory=dict)
    """Our names, by the source's."""


@dataclass(frozen=True, slots=True)
class Connector:
    """Reads how deployments are reached."""

    dialect: Dialect
    own: bool
    """Whether the endpoints are an account's own; the platform's take no OAuth."""
    keys: Keys
    report: Report
    variables: Mapping[str, str]
    """Values of environment variables that are no secrets."""
    credentials: Credentials

    def connect(self, entry: Entry, named: upstreams.Named, kind: Kind) -> tuple[Target, str]:
        """The endpoint's fields, and the model as the upstream names it."""
        params = entry.params
        credential = params.take("litellm_credential_name")
        shared = self._declared(credential)
        address = self._address(entry.at, params, shared, named.provider)
        target = Target(
            provider=address.provider.name,
            base_url=address.base_url,
            version=self._version(params, shared, address.provider),
            header=self._header(params) or address.header,
            timeout=self._timeout(params),
            weight=self._weight(params, entry.info),
            tags=self._tags(params, entry.info),
            batching=self._batching(params, kind),
            # Last: from here on nothing can leave the deployment out any more, and a variable may have been made up.
            auth=self._auth(entry, credential, address),
        )
        return target, address.model or named.model

    def _declared(self, name: Value | None) -> Table:
        """What a credential of ``credential_list`` says."""
        if name is None:
            return Table(None)
        if name.text not in self.credentials.declared:
            raise LeftOut(name, f"no credential {quote(name.text)} in credential_list")
        return Table(self.credentials.declared[name.text])

    def known(self, value: Value) -> str:
        """A text that is no secret, with the environment variable that it may stand for looked up."""
        text = (value.text or "").strip()
        if name := texts.variable(text):
            if name not in self.variables:
                what = f"{value.route[-1]} is the environment variable {name}, whose value is not in the file"
                raise LeftOut(value, f"{what}; say it with --env {name}=VALUE")
            text = self.variables[name]
            self.report.changed(value, f"the value of {name}; a change of the variable changes nothing here")
        if reason := texts.unfit(text):
            raise LeftOut(value, f"{value.route[-1]}: {reason}")
        return text

    def _address(self, at: Value, params: Table, shared: Table, provider: Provider) -> upstreams.Address:
        value = params.take("api_base", "base_url") or shared.take("api_base", "base_url")
        try:
            found = upstreams.address(provider, self._url(at, value, provider))
        except upstreams.UnknownUpstream as error:
            raise LeftOut(value or at, str(error)) from None
        if found.note:
            self.report.changed(value or at, found.note)
        return found

    def _url(self, at: Value, value: Value | None, provider: Provider) -> str | None:
        if value is not None:
            return self.known(value)
        variable = self.dialect.url_variables.get(provider.name)
        if variable in self.variables:
            self.report.changed(at, f"no api_base is written: the value of {variable}")
            return self.variables[str(variable)]
        if variable:
            what = f"no api_base is written, and {self.dialect.name} would read the environment variable {variable}"
            raise LeftOut(at, f"{what}; say it with --env {variable}=VALUE")
        if provider.keyless and provider.base_url:
            self.report.changed(at, f"no api_base is written: {provider.base_url}, {provider.name} on this machine")
        return None

    def _version(self, params: Table, shared: Table, provider: Provider) -> str | None:
        value = params.take("api_version") or shared.take("api_version")
        if value is None:
            return None
        if provider.path_style != "azure":
            self.report.left_out(value, f"{provider.name} has no API version")
            return None
        name = texts.variable(value.text or "")
        if name and name not in self.variables:
            self.report.left_out(value, f"the value of {name} is not in the file (--env {name}=VALUE says it)")
            return None
        text = self.known(value)
        if not _VERSION.fullmatch(text):
            self.report.left_out(value, "not an API version such as 2024-10-21; the router's default is used")
            return None
        return text

    def _auth(self, entry: Entry, credential: Value | None, address: upstreams.Address) -> Auth:
        params, provider = entry.params, address.provider
        key, by_id = params.take("api_key"), entry.table.take("named_credential_id")
        if by_id is not None:
            return self._of_database(by_id)
        if key is not None:
            return Key(self.keys.ref(key, provider.name))
        if credential is not None and (shared := self._declared(credential).take("api_key")):
            return self._named(str(credential.text), shared)
        if oauth := self._oauth(params, provider):
            return oauth
        if token := params.take("azure_ad_token"):
            what = "it authenticates by a token that somebody fetched"
            raise LeftOut(token, f"{what}; write tenant_id, client_id and client_secret, and --account ID")
        return self._unwritten(entry.at, address)

    def _named(self, name: str, key: Value) -> Named:
        if name not in self.credentials.names:
            ours = self._credential(name)
            self.credentials.used[ours] = self.keys.ref(key, ours)
        return Named(self.credentials.names[name])

    def _credential(self, name: str) -> str:
        """A name of ours for a credential."""
        fit = texts.slug("" if texts.unfit(name) else name, "credential")
        self.credentials.names[name] = texts.unique(fit, set(self.credentials.used))
        return self.credentials.names[name]

    def _of_database(self, name: Value) -> Named:
        """A credential of which the file knows the id alone."""
        text = name.text or ""
        if text not in self.credentials.names:
            ours = self._credential(text)
            self.credentials.used[ours] = self.keys.made_up(name, ours)
        ours = self.credentials.names[text]
        what = f"the credential is in the proxy's database: {self.credentials.used[ours]} in its place"
        self.report.changed(name, f"{what}; an address that it may have is not known here")
        return Named(ours)

    def _oauth(self, params: Table, provider: Provider) -> OAuth | None:
        if not params.has("client_secret") or not provider.oauth:
            return None
        secret = params.take("client_secret")
        parts = [params.take("tenant_id"), params.take("client_id")]
        scope = params.take("azure_scope")
        assert secret is not None  # noqa: S101 - it has one
        if not self.own:
            raise LeftOut(secret, "the platform's endpoints take no OAuth; --account ID makes them an account's own")
        tenant, client = (self._part(secret, each) for each in parts)
        wanted = self.known(scope) if scope else _SCOPE
        return OAuth(_TOKENS.format(tenant), client, self.keys.ref(secret, "azure_client"), wanted)

    def _part(self, at: Value, value: Value | None) -> str:
        if value is None:
            raise LeftOut(at, "a client_secret without tenant_id or client_id")
        return self.known(value)

    def _unwritten(self, at: Value, address: upstreams.Address) -> Auth:
        """No key is written: the proxy's default variable, or none on this machine, or one that is made up."""
        provider = address.provider
        host = urlsplit(address.base_url or provider.base_url or "").hostname or ""
        if provider.keyless and is_loopback(host):
            return None
        variable = self.dialect.key_variables.get(provider.name)
        if variable:
            self.report.changed(at, f"no key is written: ref+env://{variable}, which {self.dialect.name} would read")
            return Key(Ref("env", variable))
        ref = self.keys.made_up(at, provider.name)
        self.report.changed(at, f"no key is written, and another machine is never called without one: {ref}")
        return Key(ref)

    def _header(self, params: Table) -> tuple[str, str] | None:
        name, form = params.take("auth_header_name"), params.take("auth_header_format")
        if name is None and form is None:
            return None
        for each in (name, form):
            if each is not None and (reason := texts.unfit(each.text or "")):
                raise LeftOut(each, f"{each.route[-1]}: {reason}")
        return (name and name.text) or "Authorization", (form and form.text) or "Bearer {api_key}"

    def _timeout(self, params: Table) -> Decimal | None:
        value = params.take("timeout")
        if value is None:
            return None
        seconds = value.number()
        if seconds is None or not 0 < seconds <= _MAX_SECONDS:
            self.report.left_out(value, f"not a number of seconds up to {_MAX_SECONDS}")
            return None
        self.report.changed(value, "timeout_seconds of the endpoint: how long the first byte may take")
        return seconds

    def _weight(self, params: Table, info: Table) -> int | None:
        value = params.take("weight") or info.take("weight")
        if value is None:
            return None
        weight = value.whole()
        if weight is None or not 0 < weight <= 10**12:
            self.report.left_out(value, "a weight is a whole number from 1 on")
            return None
        return weight

    def _tags(self, params: Table, info: Table) -> tuple[str, ...]:
        value = params.take("tags") or info.take("tags")
        return normalised(value, self.report, "tag") if value else ()

    def _batching(self, params: Table, kind: Kind) -> tuple[tuple[str, texts.Data], ...]:
        value = params.take("chat_batching")
        if value is None:
            return ()
        if kind.type != "chat":
            self.report.left_out(value, "only chat models batch chats")
            return ()
        found = {key: each.scalar() for key, each in value.fields.items()}
        try:
            ChatBatching.model_validate(found)
        except ValidationError as error:
            self.report.left_out(value, f"not settings of batches here: {error.errors()[0]['msg']}")
            return ()
        return tuple(found.items())


def normalised(value: Value, report: Report, what: str) -> tuple[str, ...]:
    """The tags or access groups of a list, in our spelling."""
    found: dict[str, None] = {}
    for each in value.items or (value,):
        text = each.text
        if text is None or (reason := texts.unfit(text)):
            report.left_out(each, f"not {'an' if what[0] in 'aeiou' else 'a'} {what}" + (f": {reason}" if text else ""))
            continue
        if (ours := texts.group(text)) != text:
            report.changed(each, f"the {what} is {quote(ours)} here: lowercase letters, digits, '.', '_' and '-'")
        found[ours] = None
    return tuple(found)
