"""Everything in the source beside its deployments: where it is looked for, and why the rest is not carried over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from llmcompile.diagnostics import Diagnostic, Place
from llmcompile.errors import UsageError
from llmcompile.importing import texts
from llmcompile.importing.connections import Credentials
from llmcompile.importing.dialects import Dialect
from llmcompile.importing.keys import is_secret
from llmcompile.importing.reasons import SETTINGS_LEFT_OUT, UNKNOWN
from llmcompile.importing.report import Report, Table
from llmcompile.importing.source import Value
from llmcompile.literals import quote
from llmcompile.suggest import did_you_mean


@dataclass(frozen=True, slots=True)
class Sections:
    """The parts of the source."""

    top: Table
    entries: Value
    router: Table
    own: tuple[Table, ...]
    """The sections of the proxy's own settings."""
    general: Table
    outside: Table
    """What stands around the configuration, in a chart's values."""

    def fallbacks(self, name: str, report: Report) -> Value | None:
        """A setting about fallbacks: the router's section counts first."""
        found = [each for each in (table.take(name) for table in (self.router, *self.own)) if each is not None]
        for each in found[1:]:
            report.left_out(each, f"{name} is written twice; that of router_settings counts")
        return found[0] if found else None


def sections(source: Value, dialect: Dialect, file: str) -> Sections | Diagnostic:
    """The parts of the source, or why it is no configuration of the proxy."""
    outside, top = Table(None), Table(source)
    inner = source.fields.get(dialect.chart)
    if not top.has("model_list") and inner is not None and "model_list" in inner.fields:
        outside, top = Table(source), Table(inner)
        outside.take(dialect.chart)
    entries = top.take("model_list")
    if not isinstance(source.data, Mapping):
        return _no_configuration("not a mapping", "type-wrong", source, dialect, file)
    if entries is None:
        return _no_configuration("there is no model_list, or it is empty", "key-missing", source, dialect, file)
    if entries.data == ():
        place = Place(file, span=entries.span)
        hint = "deployments that are in its database are not in this file"
        return Diagnostic("value-invalid", "model_list is empty: there is nothing to import", place, hint)
    own = tuple(Table(top.take(name)) for name in dialect.settings)
    router, general = Table(top.take("router_settings")), Table(top.take("general_settings"))
    return Sections(top, entries, router, own, general, outside)


def _no_configuration(what: str, code: str, at: Value, dialect: Dialect, file: str) -> Diagnostic:
    place = Place(file, span=(at.span[0], at.span[0] + 1))
    hint = f"name the configuration of {dialect.name}, with model_list: in it"
    if "include" in at.fields:
        hint = "files under include: are not read; import the one with the model_list"
    return Diagnostic(code, f"{what}: no configuration of {dialect.name}", place, hint)


def variables(found: Sections, given: Mapping[str, str]) -> dict[str, str]:
    """Values of environment variables that are no secrets: the file's own, then those that were given."""
    own = found.top.take("environment_variables")
    written = own.fields.items() if own else ()
    known = {name: value.text for name, value in written if value.text and not is_secret(name)}
    return {**{name: text for name, text in known.items() if not texts.unfit(text)}, **given}


def declared_credentials(found: Sections) -> Credentials:
    """The credentials that the source names."""
    value = found.top.take("credential_list")
    credentials = Credentials()
    for entry in value.items if value else ():
        name, values = entry.fields.get("credential_name"), entry.fields.get("credential_values")
        if name is not None and name.text is not None and values is not None:
            credentials.declared[name.text] = values
    return credentials


def say_credentials(found: Sections, credentials: Credentials, report: Report) -> None:
    """Says what became of each credential that the source names."""
    value = found.top.take("credential_list")
    for entry in value.items if value else ():
        table = Table(entry)
        name, values = table.take("credential_name"), Table(table.take("credential_values"))
        ours = credentials.names.get(name.text or "") if name else None
        for key, each in (*values.rest(), *table.rest()):
            if key not in ("api_key", "api_base", "base_url", "api_version") and not each.null:
                report.left_out(each, "a credential is an API key here")
        if ours is None:
            report.left_out(name or entry, "no deployment that was carried has its key from this credential")
        elif name is not None:
            report.carried(name, f"credential '{ours}' of llmcompile.yaml; its address stands at its endpoints")


def say_rest(found: Sections, report: Report) -> None:
    """Says why everything that nobody looked at was left out."""
    for table in (found.router, *found.own, found.general, found.top):
        for name, value in table.rest():
            report.left_out(value, SETTINGS_LEFT_OUT.get(name, UNKNOWN))
    for _, value in found.outside.rest():
        report.left_out(value, "of the chart, not of the proxy")
    variables = found.top.take("environment_variables")
    if variables is not None:
        report.left_out(variables, SETTINGS_LEFT_OUT["environment_variables"])


def refuse_unused(given: Mapping[str, str], source: Value, dialect: Dialect) -> None:
    """Raises ``UsageError`` where a variable was given that nothing asks for: it is probably misspelled."""
    named = {texts.variable(each.text) for each in source.everything() if each.text}
    known = {each for each in (*named, *dialect.url_variables.values()) if each}
    for name in given:
        if name not in known:
            raise UsageError(f"the file names no variable {quote(name)}", did_you_mean(name, known))
