"""What the source says beyond deployments about where requests go: aliases, fallbacks and route groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from llmcompile.importing import texts
from llmcompile.importing.connections import normalised
from llmcompile.importing.deployments import Codes
from llmcompile.importing.drafts import Deployment, Fleet, Member, RouteGroup
from llmcompile.importing.report import Report, Table
from llmcompile.importing.source import Value
from llmcompile.literals import quote

_WEIGHTED = ("weighted", "simple-shuffle", "tag-based-routing")
_ORDERED = "priority-based-routing"


@dataclass(frozen=True, slots=True)
class Aliases:
    """Other names for models: each is a model of its own, served by the same endpoints."""

    deployments: list[Deployment]
    codes: dict[str, str]
    """The code of the model by that of its alias."""


def aliases(value: Value | None, deployments: list[Deployment], codes: Codes, report: Report) -> Aliases:
    """The aliases of models that were carried."""
    found = Aliases([], {})
    for name, target in (value.fields if value else {}).items():
        to = target.fields.get("model") if target.fields else target
        model = codes.known(to.text if to else None)
        if model is None:
            report.left_out(target, f"an alias of {quote(to.text if to else '')}, of which no deployment was carried")
        elif codes.known(name) is not None:
            report.left_out(target, f"{quote(name)} is a model itself, and is called by its name")
        elif reason := texts.unfit(name):
            report.left_out(target, f"an alias that cannot be a name: {reason}")
        else:
            code = codes.of(name)
            found.codes[code] = model
            served = (each for each in deployments if each.code == model)
            found.deployments.extend(replace(each, at=target, name=name, code=code, id="", label="") for each in served)
            _say_alias(name, code, model, target, report)
    return found


def _say_alias(name: str, code: str, model: str, at: Value, report: Report) -> None:
    report.carried(at, f"{quote(name)} is a model of its own, models/{code}.yaml, served like '{model}'")
    if code != name:
        report.changed(at, f"the alias is '{code}': clients must send that in place of {quote(name)}")


@dataclass(frozen=True, slots=True)
class Fallbacks:
    """Carries fallbacks over: what leads nowhere, elsewhere or back is left out, with the reason."""

    fleet: Fleet
    codes: Codes
    report: Report

    def add(self, field: str, value: Value | None) -> None:
        """The fallbacks of one kind: a list of mappings from a model to its fallbacks; '*' is every other model."""
        rest: list[Value] = []
        for entry in value.items if value else ():
            if not entry.fields:
                self.report.left_out(entry, "not 'model: [fallback]'")
            for name, targets in entry.fields.items():
                code = self.codes.known(name)
                if name == "*":
                    rest.append(targets)
                elif code not in self.fleet.models or code is None:
                    self.report.left_out(targets, f"no deployment of {quote(name)} was carried")
                else:
                    self._of_model(field, code, targets)
        for targets in rest:
            self.add_default(field, targets)

    def add_default(self, field: str, value: Value | None) -> None:
        """Fallbacks of every model that has none of its own."""
        without = [code for code, model in self.fleet.models.items() if not model.fallbacks.get(field)]
        for target in _listed(value):
            added = [code for code in without if self._add(field, code, target.text) is None]
            if added:
                self.report.carried(target, f"{field} of every model of its kind without any: {', '.join(added)}")
            else:
                self.report.left_out(target, self._unknown(target.text) or "every model of its kind has fallbacks")

    def share(self, aliases: dict[str, str]) -> None:
        """An alias has the fallbacks of its model. ``aliases``: the code of the model by that of its alias."""
        for alias, code in aliases.items():
            for field, targets in self.fleet.models[code].fallbacks.items():
                own = self.fleet.models[alias].fallbacks.setdefault(field, [])
                own += [each for each in targets if self._refused(field, alias, each) is None]

    def _of_model(self, field: str, code: str, targets: Value) -> None:
        for target in _listed(targets):
            if reason := self._add(field, code, target.text):
                self.report.left_out(target, f"as one of the {field} of '{code}': {reason}")
            else:
                self.report.carried(target, f"{field} of models/{code}.yaml")

    def _add(self, field: str, code: str, name: str | None) -> str | None:
        """Add a fallback; the reason where it is not carried over."""
        target = self.codes.known(name)
        reason = self._unknown(name) or self._refused(field, code, str(target))
        if reason is None:
            self.fleet.models[code].fallbacks.setdefault(field, []).append(str(target))
        return reason

    def _unknown(self, name: str | None) -> str | None:
        if name is None:
            return "a request of its own is no fallback"
        if self.codes.known(name) in self.fleet.models:
            return None
        if name in self.fleet.by_id:
            return f"{quote(name)} is a deployment, and only models are fallbacks"
        return f"no deployment of {quote(name)} was carried"

    def _refused(self, field: str, code: str, target: str) -> str | None:
        if target == code:
            return "a model does not fall back to itself"
        if self.fleet.models[target].kind != self.fleet.models[code].kind:
            return f"'{target}' is a model of another kind"
        if target in self.fleet.models[code].fallbacks.get(field, ()):
            return "it is one already"
        if self._leads(field, target, code):
            return f"'{target}' falls back to '{code}' already, and chains must not lead back"
        return None

    def _leads(self, field: str, start: str, end: str) -> bool:
        waiting, seen = [start], set[str]()
        while waiting:
            code = waiting.pop()
            if code == end:
                return True
            if code not in seen:
                seen.add(code)
                waiting += self.fleet.models[code].fallbacks.get(field, ())
        return False


def _listed(value: Value | None) -> tuple[Value, ...]:
    """The entries of a list, or the one that is written without one."""
    if value is None:
        return ()
    return value.items if isinstance(value.data, tuple) else (value,)


@dataclass(frozen=True, slots=True)
class Groups:
    """Where route groups go."""

    account: str
    strategy: str
    """How a group without a strategy of its own chooses."""
    taken: set[str]
    """Names that route groups cannot have."""


def route_groups(value: Value | None, fleet: Fleet, report: Report, groups: Groups) -> None:
    """Carry over route groups: names that an account's clients call, over several deployments."""
    for entry in value.items if value else ():
        key = entry.fields.get("key")
        if key is None or key.text is None:
            report.left_out(entry, "a route group without a key")
        elif "enabled" in entry.fields and not entry.fields["enabled"].flag:
            report.left_out(key, "it is not enabled")
        else:
            _route_group(entry, key, fleet, report, groups)


def _route_group(entry: Value, key: Value, fleet: Fleet, report: Report, into: Groups) -> None:
    text = str(key.text)
    name = texts.slug(text, "group")
    if reason := texts.unfit(text):
        report.left_out(key, f"a route group that cannot have this name: {reason}")
        return
    if text in into.taken or name in into.taken:
        report.left_out(key, "a model, or another route group, has its name")
        return
    table = Table(entry)
    table.take("key", "enabled", "mode")
    members, strategy, groups = table.take("members"), table.take("strategy"), table.take("access_groups")
    found = list(_members(members, fleet, report))
    if not found:
        report.left_out(key, "none of its members was carried")
        return
    kinds = {fleet.models[each.model].kind for _, each in found}
    if len(kinds) > 1:
        report.left_out(key, "its members are models of different kinds")
        return
    into.taken.add(name)
    policy = _policy(strategy, key, report, into.strategy)
    if policy == "ordered":
        found.sort(key=lambda each: each[0])
    carried = normalised(groups, report, "access group") if groups else ()
    fleet.route_groups.append(RouteGroup(name, policy, carried, tuple(member for _, member in found)))
    report.carried(key, f"a route group of accounts/{into.account}.yaml; another account needs it as well")
    if name != text:
        report.changed(key, f"the route group is '{name}': clients must send that in place of {quote(text)}")
    for _, value in table.rest():
        report.left_out(value, "route groups have a policy, access groups and members here")


def _policy(strategy: Value | None, key: Value, report: Report, default: str) -> str:
    text = (strategy.text if strategy else None) or default
    if text == _ORDERED:
        return "ordered"
    if text not in _WEIGHTED:
        what = f"the first member is drawn by weight, the others follow: {quote(text)} is not known"
        report.changed(strategy or key, what)
    return "weighted"


def _members(value: Value | None, fleet: Fleet, report: Report) -> Iterator[tuple[int, Member]]:
    """The members with their priorities, each once."""
    seen: set[tuple[str, str]] = set()
    for entry in value.items if value else ():
        table = Table(entry)
        named, enabled = table.take("deployment_id"), table.take("enabled")
        weight, priority = table.take("weight"), table.take("priority")
        text = named.text if named else None
        if text not in fleet.by_id or text is None:
            report.left_out(named or entry, "a member whose deployment was not carried")
            continue
        code, endpoint = fleet.by_id[text]
        if (enabled is not None and not enabled.flag) or (code, endpoint.name) in seen:
            report.left_out(entry, "it is not enabled" if (code, endpoint.name) not in seen else "a member already")
            continue
        seen.add((code, endpoint.name))
        drawn = max(1, _whole(weight, endpoint.target.weight or 1))
        yield _whole(priority, 0), Member(code, endpoint.name, drawn)
        for _, rest in table.rest():
            report.left_out(rest, "a member has a model, an endpoint and a weight here")


def _whole(value: Value | None, default: int) -> int:
    number = value.whole() if value else None
    return default if number is None else number
