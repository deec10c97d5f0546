"""The import from end to end: read, understand, put together, write, check, and say what became of everything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from llmcompile.diagnostics import Diagnostic, Place, Severity
from llmcompile.emit import input_schemas, scaffold
from llmcompile.importing import assembly, deployments, files, folder, keys, routing, settings, source
from llmcompile.importing.connections import Connector
from llmcompile.importing.dialects import Dialect
from llmcompile.importing.drafts import Deployment, Fleet
from llmcompile.importing.files import Where
from llmcompile.importing.keys import Keys
from llmcompile.importing.prices import PriceList
from llmcompile.importing.reasons import SETTINGS_LEFT_OUT
from llmcompile.importing.report import Report, written
from llmcompile.importing.routing import Aliases, Fallbacks, Groups
from llmcompile.importing.settings import Sections
from llmcompile.importing.source import Value
from llmcompile.inputs.model import FALLBACKS
from llmcompile.literals import mask, quote
from llmcompile.load.locate import Locator
from llmcompile.load.vocabulary import read_vocabulary
from llmcompile.pipeline import compile_repository
from llmcompile.show.located import Located, located


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be imported, and how."""

    dialect: Dialect
    config: Path
    out: Path
    where: Where
    variables: Mapping[str, str]
    """Values of environment variables that the source names and that are no secrets."""
    price_list: PriceList
    as_of: datetime
    """Now, for the check of what was written."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it."""

    report: Report
    fleet: Fleet = field(default_factory=Fleet)
    deployments: int = 0
    """How many the source has."""
    carried: int = 0
    """How many of them were carried over."""
    files: tuple[str, ...] = ()
    """What was written, below the folder; empty where nothing was."""
    problems: tuple[Located, ...] = ()
    """Errors and warnings of the check, places below the folder; where nothing was written, those of the source."""
    passed: bool = False
    """Whether ``check`` passes."""


def run(request: Request) -> Outcome:
    """Import a configuration. Writes the whole folder, or nothing where nothing could be carried over.

    Raises ``RefusedError`` where the folder is taken, ``OutsideError`` where the disk fails.
    """
    folder.refuse_taken(request.out)
    value, problems = source.read(request.config)
    if value is None:
        return _stopped(request, problems)
    settings.refuse_unused(request.variables, value, request.dialect)
    found = settings.sections(value, request.dialect, request.config.resolve().name)
    if isinstance(found, Diagnostic):
        return _stopped(request, [found])
    if problems := list(deployments.problems(found.entries, request.dialect, request.config.resolve().name)):
        return _stopped(request, problems)
    report = Report()
    fleet, carried = _understood(request, value, found, report)
    outcome = Outcome(report, fleet, len(found.entries.items), carried)
    if not fleet.models:
        return outcome
    texts = files.render(fleet, request.where, mask(request.config.name))
    said = [f"{written(each.route)} {each.message}" for each in report.items]
    if leaks := list(_leaks(value, [*texts.values(), *said], request.config.resolve().name)):
        return _stopped(request, leaks)
    return _written(request, outcome, texts)


def _stopped(request: Request, problems: list[Diagnostic]) -> Outcome:
    """What is wrong with the source, without its lines: nobody knows all fields in which others keep secrets."""
    distinct = {(each.code, each.place): each for each in problems}.values()
    found = located(distinct, Locator(request.config.resolve().parent))
    return Outcome(Report(), problems=tuple(replace(each, at=replace(each.at, text="")) for each in found))


def _understood(request: Request, value: Value, found: Sections, report: Report) -> tuple[Fleet, int]:
    """The repository that the source comes to, and how many deployments are in it."""
    dialect, own, fleet, codes = request.dialect, request.where.own, Fleet(), deployments.Codes()
    credentials = settings.declared_credentials(found)
    known = settings.variables(found, request.variables)
    strategy = found.router.take("routing_strategy")
    connector = Connector(dialect, own, Keys(value, report), report, known, credentials)
    named = (strategy.text if strategy else None) or ""
    read = deployments.Reader(dialect, connector, report, request.price_list, codes, named).read(found.entries)
    other = routing.aliases(found.router.take("model_group_alias"), read, codes, report)
    ordered = sorted([*read, *other.deployments], key=lambda each: each.order)
    assembly.endpoints(ordered, fleet, report, one_order=own)
    assembly.models(ordered, fleet, report, request.price_list, dialect)
    fleet.credentials.update(credentials.used)
    groups = Groups(request.where.account, named or "simple-shuffle", set(fleet.models))
    _routes(found, fleet, Fallbacks(fleet, codes, report), other, groups)
    _say(request, fleet, read, report)
    settings.say_credentials(found, credentials, report)
    if strategy is not None:
        report.left_out(strategy, SETTINGS_LEFT_OUT["routing_strategy"])
    settings.say_rest(found, report)
    return fleet, len(read)


def _routes(found: Sections, fleet: Fleet, fallbacks: Fallbacks, other: Aliases, groups: Groups) -> None:
    """Fallbacks and route groups."""
    for name in FALLBACKS:
        fallbacks.add(name, found.fallbacks(name, fallbacks.report))
    fallbacks.add_default("fallbacks", found.fallbacks("default_fallbacks", fallbacks.report))
    fallbacks.share(other.codes)
    routing.route_groups(found.router.take("route_groups"), fleet, fallbacks.report, groups)


def _say(request: Request, fleet: Fleet, read: list[Deployment], report: Report) -> None:
    """Says where each deployment went."""
    where = request.where
    file = f"accounts/{where.account}.yaml" if where.own else f"regions/{where.region}.yaml"
    for each in read:
        endpoint = fleet.by_id[each.id][1] if each.id in fleet.by_id else None
        at = f" by endpoint '{endpoint.name}' of {file}" if endpoint else f" in {file}"
        report.carried(each.at, f"models/{each.code}.yaml, served{at} as {quote(each.upstream)}")


def _leaks(value: Value, texts: list[str], file: str) -> Iterator[Diagnostic]:
    """Secrets of the source that would stand in what is written or said: they stand in it somewhere else, too."""
    for secret, at in keys.secrets(value):
        if any(secret in text for text in texts):
            message = "this secret stands somewhere else in the file as well, in a place that is no secret"
            hint = "remove it there, and revoke it; nothing was written"
            yield Diagnostic("secret-literal", message, Place(file, span=at.span), hint)


def _written(request: Request, outcome: Outcome, texts: Mapping[str, str]) -> Outcome:
    """Write the folder with everything that a repository has, and look at it as ``check`` does."""
    examples = ("accounts/", "models/", "regions/", "llmcompile.yaml")
    around = {name: text for name, text in scaffold.render().items() if not name.startswith(examples)}
    everything = {**around, **texts}
    with folder.staged(request.out, everything) as staging:
        vocabulary, _ = read_vocabulary(staging)  # the words of what is imported, not of the template
        input_schemas.write(staging / "schemas", input_schemas.render(vocabulary))
        compiled = compile_repository(staging, request.as_of)
        shown = [each for each in compiled.diagnostics if each.severity is not Severity.NOTE]
        # Names and values were looked at one by one; this is the last look before anything gets its place.
        assert "secret-literal" not in {each.code for each in shown}, "a secret would be written"  # noqa: S101
        problems = tuple(located(shown, Locator(staging)))
        folder.place(staging, request.out)
    return replace(outcome, files=tuple(sorted(everything)), problems=problems, passed=not compiled.failed)
