"""The repository's own words: every name that a field of its YAML may lead to, with what is known about it.

Reads what declares names and leaves the accounts alone, but for those with route groups: a fleet has many.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from llmcompile.diagnostics import Diagnostic, has_errors
from llmcompile.inputs.account import Account
from llmcompile.inputs.model import Model
from llmcompile.inputs.project import Project, Tier
from llmcompile.inputs.region import Region
from llmcompile.inputs.words import Kind
from llmcompile.load import source
from llmcompile.load.root import PROJECT_FILE
from llmcompile.load.shape import validate
from llmcompile.load.strict_yaml import load
from llmcompile.providers import PREFIXES

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """By kind the names that there are, each with a line about it, which may be empty."""

    words: Mapping[Kind, Mapping[str, str]]


def read_vocabulary(root: Path) -> tuple[Vocabulary, list[Diagnostic]]:
    """The words of the repository at a root, and why some of them could not be read."""
    problems: list[Diagnostic] = []
    projects = list(_loaded(root, [PROJECT_FILE], Project, problems))
    models = list(_loaded(root, _files(root, "models"), Model, problems))
    regions = list(_loaded(root, _files(root, "regions"), Region, problems))
    # What is wrong with an account is said by the check; nothing but its own names is missed here.
    accounts = list(_loaded(root, _files(root, "accounts"), Account, [], only="route_groups:"))
    codes = {each.code: _about(each) for each in models}
    groups = {name for each in models for name in each.access_groups}
    routes = {name: group for each in accounts for name, group in each.route_groups.items()}
    declared = {
        name: group.description or "" if group else ""
        for each in projects
        for name, group in each.access_groups.items()
    }
    words: dict[Kind, dict[str, str]] = {
        "model": codes,
        "served": codes,
        "callable": {name: group.description or "" for name, group in routes.items()} | codes,
        "group": dict.fromkeys({*groups, *(each for group in routes.values() for each in group.access_groups)}, "")
        | declared,
        "region": {each.region: each.description or "" for each in regions},
        "tier": {name: _limits(tier) for each in projects for name, tier in each.tiers.items()},
        "credential": {name: one.provider or "" for each in projects for name, one in each.credentials.items()},
        "provider": dict.fromkeys(PREFIXES, ""),
        "endpoint": dict.fromkeys((name for each in regions for name in each.endpoints), ""),
        "geo": dict.fromkeys((one.geo for each in regions for one in each.endpoints.values() if one.geo), ""),
    }
    return Vocabulary(words), problems


def _files(root: Path, folder: str) -> list[str]:
    return sorted(f"{folder}/{each.name}" for each in (root / folder).glob("*.yaml") if not each.name.startswith("."))


def _loaded(root: Path, files: list[str], kind: type[M], problems: list[Diagnostic], *, only: str = "") -> Iterator[M]:
    """The files that are right; ``only`` is what a file's text has to hold to be looked at."""
    for file in files:
        read = source.read(root, file)
        if isinstance(read, Diagnostic):
            problems.append(read)
        elif only in read.text:
            data, wrong = load(read)
            item, unfit = validate(kind, file, data) if not has_errors(wrong) else (None, [])
            problems += [*wrong, *unfit]
            if item is not None:
                yield item


def _about(model: Model) -> str:
    return ", ".join(each for each in (model.name, model.type, model.description) if each)


def _limits(tier: Tier) -> str:
    limits = ((name.replace("_", " "), value) for name, value in tier.model_dump(exclude_none=True).items())
    return ", ".join(f"{name}: {value:,}" for name, value in limits if isinstance(value, int))
