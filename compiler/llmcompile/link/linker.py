"""Links a repository into a catalogue, and says which names lead nowhere while doing so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from llmcompile.diagnostics import Diagnostic, Place
from llmcompile.inputs.account import Account as AccountInput
from llmcompile.inputs.endpoint import RegionEndpoint
from llmcompile.inputs.project import Project
from llmcompile.inputs.region import Region as RegionInput
from llmcompile.link.catalogue import Account, Catalogue, Endpoint, Model, Region
from llmcompile.link.endpoints import EndpointLinker
from llmcompile.load.repository import Repository
from llmcompile.providers import split_prefix


def link(repository: Repository, project: Project) -> tuple[Catalogue, list[Diagnostic]]:
    """One frozen catalogue of everything that could be loaded."""
    catalogue, diagnostics = link_shared(repository, project)
    accounts = {}
    for file, written in repository.accounts.files.items():
        account, problems = link_account(catalogue, file, written)
        accounts[Path(file).stem] = account
        diagnostics += problems
    return replace(catalogue, accounts=accounts), diagnostics


def link_shared(repository: Repository, project: Project) -> tuple[Catalogue, list[Diagnostic]]:
    """The catalogue without its accounts: all that any of them may refer to."""
    diagnostics: list[Diagnostic] = []
    linker = EndpointLinker(project, diagnostics)
    models = {Path(file).stem: Model(file, model) for file, model in repository.models.files.items()}
    regions = {}
    for file, region in repository.regions.files.items():
        regions[Path(file).stem] = Region(file, region, _platform(linker, file, region))
    broken = repository.models.broken, repository.regions.broken, repository.accounts.broken
    groups = {code: frozenset(model.input.access_groups) for code, model in models.items()}
    return Catalogue(project, models, regions, {}, groups, *broken), diagnostics


def link_account(catalogue: Catalogue, file: str, written: AccountInput) -> tuple[Account, list[Diagnostic]]:
    """One account, with its endpoints filled in."""
    diagnostics: list[Diagnostic] = []
    return Account(file, written, _own(EndpointLinker(catalogue.project, diagnostics), file, written)), diagnostics


def _own(linker: EndpointLinker, file: str, account: AccountInput) -> dict[str, Endpoint]:
    """The endpoints of an account."""
    own = {}
    for name, written in account.endpoints.items():
        place = Place(file, ("endpoints", name))
        at = place / "supported_models"
        models = written.supported_models
        upstream = models if isinstance(models, dict) else {}
        steps: Iterable[str | int] = models if isinstance(models, dict) else range(len(models))
        served = [(listed, upstream.get(listed), at / step) for listed, step in zip(models, steps, strict=True)]
        keyless = account.source == "local"
        linked = linker.link(name, place, written, served, keyless=keyless, prefix=written.deployment_prefix)
        if linked:
            own[name] = linked
    return own


def _platform(linker: EndpointLinker, file: str, region: RegionInput) -> dict[str, Endpoint]:
    """The endpoints of a region; what each serves is read from the region's ``models``."""
    place = Place(file)
    endpoints = {}
    for name, written in region.endpoints.items():
        served = [
            (listed, _upstream(written, listed), place / "models" / listed / names.index(name))
            for listed, names in region.models.items()
            if name in names
        ]
        linked = linker.link(name, place / "endpoints" / name, written, served)
        if linked:
            endpoints[name] = linked
    return endpoints


def _upstream(written: RegionEndpoint, listed: str) -> str | None:
    return written.models.get(listed) or written.models.get(split_prefix(listed)[1])
