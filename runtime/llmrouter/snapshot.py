"""One frozen picture of what is served, made from the documents once.

A request takes it at its start and keeps it to its end, whatever is loaded meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from llmrouter.documents import Documents
from llmrouter.entities import Budget, Candidate, Endpoint, Key, Limits, Model, RouteGroup, Source
from llmrouter.policy import Policy

Candidates = Mapping[str, tuple[Candidate, ...]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one account may call in one region, resolved into candidate lists."""

    account: str | None
    """None without a policy: the endpoint documents do not name it."""
    source: Source
    limits: Limits | None
    budget: Budget | None
    limits_closed: bool
    """Whether nothing limited is let in while what counts it is out of reach."""
    models: Mapping[str, Model]
    route_groups: Mapping[str, RouteGroup]
    keys: tuple[Key, ...]
    allowed: frozenset[str]
    endpoints: tuple[Endpoint, ...]
    candidates: Candidates
    """A model's own candidates by priority, the source already chosen."""
    pinned: Mapping[tuple[str, str], Candidate]
    """The candidate of a model on a named endpoint; an own one before one of the platform."""
    names: frozenset[str]
    """Every name that means something, whoever may call it."""
    digests: Mapping[str, str]

    @classmethod
    def build(cls, documents: Documents) -> Snapshot:
        """Resolve the documents. Without a policy everything that the endpoints list may be called."""
        policy = documents.policy
        source: Source = policy.source if policy else "auto"
        all_own, all_platform = _own(documents), _platform(documents)
        own = all_own if source != "platform" else {}
        platform = all_platform if source in ("auto", "platform") else {}
        candidates = {**platform, **own}  # an own endpoint that lists the model, else the platform
        pinned = {(each.model, each.endpoint.name): each for side in (platform, own) for each in _flat(side.values())}
        models = {code: Model(code) for code in (*all_own, *all_platform)}
        models |= policy.models if policy else {}
        groups = policy.route_groups if policy else {}
        allowed = policy.allowed if policy else frozenset(candidates)
        return cls(
            account=policy.account if policy else None,
            source=source,
            limits=policy.limits if policy else None,
            budget=policy.budget if policy else None,
            limits_closed=policy is not None and policy.limits_closed,
            models=models,
            route_groups=groups,
            keys=_keys(policy) if policy else (),
            allowed=allowed,
            endpoints=(*documents.own.values(), *documents.platform.values()),
            candidates=candidates,
            pinned=pinned,
            names=frozenset({*models, *groups, *allowed}),
            digests=documents.digests,
        )


def _flat(chains: Iterable[tuple[Candidate, ...]]) -> Iterable[Candidate]:
    return (each for chain in chains for each in chain)


def _own(documents: Documents) -> dict[str, tuple[Candidate, ...]]:
    found: dict[str, tuple[Candidate, ...]] = {}
    for name, codes in documents.own_models.items():
        endpoint = documents.own[name]
        for code in codes:
            found[code] = (*found.get(code, ()), Candidate(code, endpoint.upstream_name(code), endpoint))
    return found


def _platform(documents: Documents) -> dict[str, tuple[Candidate, ...]]:
    endpoints = documents.platform
    return {
        code: tuple(Candidate(code, endpoints[name].upstream_name(code), endpoints[name]) for name in names)
        for code, names in documents.platform_models.items()
    }


def _keys(policy: Policy) -> tuple[Key, ...]:
    found = []
    for key in policy.keys:
        inherited = policy.teams[key.team] if key.team else policy.allowed
        allowed = inherited if key.allowed is None else key.allowed
        found.append(Key(key.id, key.sha256, key.team, allowed, key.limits, key.budget))
    return tuple(found)
