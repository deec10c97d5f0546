"""The source's list of deployments: each entry becomes a deployment, or is left out with the reason."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from llmcompile.diagnostics import Diagnostic, Place, Related
from llmcompile.importing import prices, texts, upstreams
from llmcompile.importing.connections import Connector, Entry, LeftOut, normalised
from llmcompile.importing.dialects import MODES, Dialect
from llmcompile.importing.drafts import Deployment, Kind
from llmcompile.importing.prices import PriceList
from llmcompile.importing.reasons import COST, LEFT_OUT, REQUEST_PARAMS, UNKNOWN
from llmcompile.importing.report import Report, Table
from llmcompile.importing.source import Value
from llmcompile.literals import quote

_WILDCARD = re.compile(r"[*?\[\]]")
_MAKERS = ("openai", "anthropic")
"""Providers whose own models stand in price lists without a prefix."""
_BY_NAME = (
    ("realtime", "realtime"),
    ("embed", "embedding"),
    ("rerank", "rerank"),
    ("whisper|transcri", "audio_transcription"),
    ("(^|[^a-z])tts([^a-z]|$)", "audio_speech"),
    ("dall-e|gpt-image|(^|[^a-z])flux|stable-diffusion", "image_generation"),
)


def problems(entries: Value, dialect: Dialect, file: str) -> Iterator[Diagnostic]:
    """What makes the list none of deployments."""
    if not isinstance(entries.data, tuple):
        yield _problem("type-wrong", "model_list is not a list", entries, file, "write '- model_name: ...' for each")
    for each in entries.items:
        params = next((each.fields[key] for key in dialect.params if key in each.fields), None)
        if not isinstance(each.data, Mapping):
            hint = f"write model_name: and {dialect.params[0]}:"
            yield _problem("type-wrong", "an entry of model_list is not a mapping", each, file, hint)
        elif "model_name" not in each.fields or each.fields["model_name"].text is None:
            yield _problem("key-missing", "a deployment without a model_name", each, file, "add model_name:")
        elif params is None or not isinstance(params.data, Mapping):
            message = f"a deployment without {dialect.params[0]}"
            yield _problem("key-missing", message, each, file, f"add {dialect.params[0]}: with model: in it")
        elif "model" not in params.fields or params.fields["model"].text is None:
            yield _problem("key-missing", f"{dialect.params[0]} without a model", params, file, "add model:")
    yield from _duplicates(entries, file)


def _problem(code: str, message: str, at: Value, file: str, hint: str = "") -> Diagnostic:
    # The first character alone: an entry may be a hundred lines long.
    return Diagnostic(code, message, Place(file, span=(at.span[0], at.span[0] + 1)), hint)


def _duplicates(entries: Value, file: str) -> Iterator[Diagnostic]:
    first: dict[str, Value] = {}
    for each in entries.items:
        named = _id(Table(each), Table(each.fields.get("model_info")))
        if named is None or named.text is None:
            continue
        if named.text in first:
            other = Related(Place(file, span=first[named.text].span), "the other one")
            message = f"two deployments have the id {quote(named.text)}"
            yield Diagnostic("list-duplicate", message, Place(file, span=named.span), "give each its own", (other,))
        first.setdefault(named.text, named)


def _id(entry: Table, info: Table) -> Value | None:
    return entry.take("deployment_id") or info.take("id")


@dataclass(frozen=True, slots=True)
class Guess:
    """What a model does, and how that was found where nothing says it."""

    kind: Kind
    note: str = ""


class Codes:
    """The codes of models by the names that the source gives them."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._codes: dict[str, str] = {}

    def of(self, name: str) -> str:
        """The code for a name: the same one each time, and no other name's."""
        if name not in self._codes:
            self._codes[name] = texts.unique(texts.code(name), self._taken, 100)
        return self._codes[name]

    def known(self, name: str | None) -> str | None:
        """The code of a name that has one."""
        return self._codes.get(name) if name is not None else None


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads deployments."""

    dialect: Dialect
    connector: Connector
    report: Report
    price_list: PriceList
    codes: Codes
    strategy: str
    """The source's routing strategy."""

    def read(self, entries: Value) -> list[Deployment]:
        """The deployments that can be carried over."""
        kinds = self._kinds(entries)
        found: list[Deployment] = []
        seen: dict[str, int] = defaultdict(int)
        for value in entries.items:
            name = value.fields["model_name"]
            entry = self._entry(value, name)
            kept = self.report.mark()
            try:
                found.append(self._deployment(entry, kinds[str(name.text)], seen[str(name.text)]))
                self._rest(entry)
            except LeftOut as left:
                self.report.undo(kept)
                self.report.left_out(left.at, f"the deployment of {quote(name.text)}: {left.reason}")
            seen[str(name.text)] += 1
        return found

    def _entry(self, value: Value, name: Value) -> Entry:
        table = Table(value)
        table.take("model_name")
        info = Table(table.take("model_info"))
        info.take("mode")
        return Entry(name, table, Table(table.take(*self.dialect.params)), info)

    def _deployment(self, entry: Entry, guessed: Guess, index: int) -> Deployment:
        name, model = str(entry.at.text), entry.params.take("model")
        assert model is not None  # noqa: S101 - lists without are refused
        for each in (entry.at, model):
            self._fit(each)
        given = _id(entry.table, entry.info)
        label = str(given.text) if given else ""
        groups, order = entry.info.take("access_groups"), self._order(entry)
        named = self._named(entry, model)
        kind = self._served(entry, model, guessed, named)
        target, upstream = self.connector.connect(entry, named, kind)
        return Deployment(
            at=entry.at,
            name=name,
            code=self._code(entry.at),
            upstream=upstream,
            target=target,
            kind=kind,
            order=order,
            id=label or f"{name}-{index}",
            label="" if texts.unfit(label) else label,
            prices=prices.read((entry.params, entry.info), self.report),
            priced_as=self._priced_as(entry, str(model.text), named),
            groups=normalised(groups, self.report, "access group") if groups else (),
            defaults=self._defaults(entry),
            batch_inputs=self._batch_inputs(entry, kind),
        )

    def _served(self, entry: Entry, model: Value, guessed: Guess, named: upstreams.Named) -> Kind:
        kind, provider = guessed.kind, named.provider
        if not provider.can_serve(kind.type, kind.realtime):
            raise LeftOut(model, f"{provider.name} cannot serve {kind.type} models here")
        if guessed.note:
            self.report.changed(entry.at, guessed.note)
        return kind

    def _fit(self, value: Value) -> None:
        text = value.text or ""
        if _WILDCARD.search(text):
            raise LeftOut(value, "a wildcard; clients call models by their names: write an entry for each")
        if reason := texts.unfit(text):
            raise LeftOut(value, f"{value.route[-1]}: {reason}")

    def _code(self, name: Value) -> str:
        text = str(name.text)
        code = self.codes.of(text)
        if code != text:
            self.report.changed(name, f"the model's code is {code!r}: clients must send that in place of {quote(text)}")
        return code

    def _named(self, entry: Entry, model: Value) -> upstreams.Named:
        provider = entry.params.take("provider", "custom_llm_provider")
        try:
            named = upstreams.named(self.dialect, str(model.text), provider.text if provider else None)
        except upstreams.UnknownUpstream as error:
            raise LeftOut(provider or model, str(error)) from None
        if named.guess:
            self.report.changed(model, named.guess)
        return named

    def _order(self, entry: Entry) -> int:
        wanted = self.dialect.priority_strategy
        value = entry.params.take("order") or (entry.info.take("priority") if wanted else None)
        if value is None:
            return 0
        number = value.whole()
        if number is None:
            self.report.left_out(value, "not a whole number")
        elif value.route[-1] == "priority" and self.strategy != wanted:
            self.report.left_out(value, f"it counts with routing_strategy: {wanted} alone")
        else:
            return number
        return 0

    def _priced_as(self, entry: Entry, model: str, named: upstreams.Named) -> tuple[str, ...]:
        """Never the bare name of a model that somebody else sells: the price would be another provider's."""
        base = entry.info.take("base_model")
        bare = named.model if named.provider.name in _MAKERS else None
        names = (base.text if base else None, model, f"{named.provider.name}/{named.model}", bare)
        return tuple(dict.fromkeys(each for each in names if each))

    def _defaults(self, entry: Entry) -> dict[str, texts.Data]:
        """Default parameters of requests: those written as such, and parameters of the deployment that are some."""
        declared = entry.info.take("default_params")
        found = {name: entry.params.take(name) for name, _ in list(entry.params.rest()) if name in REQUEST_PARAMS}
        fields = {**found, **(declared.fields if declared else {})}
        defaults: dict[str, texts.Data] = {}
        for name, value in fields.items():
            if value is None:
                continue
            if reason := texts.unfit_anywhere(value):
                self.report.left_out(value, f"not a default parameter: {reason}")
            else:
                defaults[name] = texts.data(value)
        return defaults

    def _batch_inputs(self, entry: Entry, kind: Kind) -> int | None:
        value = entry.info.take("upstream_max_batch_inputs")
        if value is None:
            return None
        number = value.whole()
        if number is None or kind.type != "embedding" or not 0 < number <= 100_000:
            self.report.left_out(value, "for embedding models, and from 1 to 100,000")
            return None
        return number

    def _rest(self, entry: Entry) -> None:
        """Says why what nobody looked at was left out."""
        for table in (entry.table, entry.params, entry.info):
            for name, value in table.rest():
                if not value.null:
                    reason = COST if "cost" in name else LEFT_OUT.get(name, UNKNOWN)
                    self.report.left_out(value, reason)

    def _kinds(self, entries: Value) -> dict[str, Guess]:
        """What each model does: as one of its deployments says, as the price list says, or as its names sound."""
        by_name: dict[str, list[Value]] = defaultdict(list)
        for each in entries.items:
            by_name[str(each.fields["model_name"].text)].append(each)
        return {name: self._kind(values) for name, values in by_name.items()}

    def _kind(self, entries: list[Value]) -> Guess:
        modes = [each for each in (_mode(entry) for entry in entries) if each is not None]
        known = [str(each.text) for each in modes if each.text in MODES]
        for each in modes:
            if each.text not in MODES:
                self.report.left_out(each, f"no type of model here: {quote(each.text)}")
            elif MODES[each.text] != MODES[known[0]]:
                self.report.left_out(each, f"a model has one type; another of its deployments says {known[0]}")
        if known:
            return Guess(_of(MODES[known[0]]))
        names = [name for entry in entries for name in self._names(entry)]
        if listed := self.price_list.mode(names):
            return Guess(_of(listed))
        return _by_name(names) if self.dialect.guesses_types else Guess(_of("chat"))

    def _names(self, entry: Value) -> list[str]:
        params = next(entry.fields[key] for key in self.dialect.params if key in entry.fields)
        info = entry.fields.get("model_info")
        found = [info.fields.get("base_model") if info else None, params.fields["model"], entry.fields["model_name"]]
        return [each.text for each in found if each and each.text]


def _by_name(names: list[str]) -> Guess:
    for pattern, kind in _BY_NAME:
        if any(re.search(pattern, name.lower()) for name in names):
            return Guess(_of(kind), f"no mode is written; by its name, of type {kind}")
    return Guess(_of("chat"))


def _mode(entry: Value) -> Value | None:
    info = entry.fields.get("model_info")
    mode = info.fields.get("mode") if info else None
    return None if mode is None or mode.null else mode


def _of(kind: str) -> Kind:
    return Kind(kind, kind == "realtime")
