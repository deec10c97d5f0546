"""Names: file stems, collisions in the secret store and in Kubernetes, one namespace for what can be called."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from llmcompile.check.context import Context, Whole
from llmcompile.diagnostics import Diagnostic, Place, Related
from llmcompile.link.catalogue import Account
from llmcompile.secret_ids import SUBJECTS, secret_id


def stems(context: Context) -> Iterator[Diagnostic]:
    """A file is named like the id inside."""
    for model in context.models:
        yield from _stem(model.file, "code", model.input.code)
    for region in context.regions:
        yield from _stem(region.file, "region", region.input.region)
    for account in context.accounts:
        yield from _stem(account.file, "account", account.id)


def _stem(file: str, field: str, written: str) -> Iterator[Diagnostic]:
    if not file.endswith(f"/{written}.yaml"):
        stem = PurePath(file).stem
        place = Place(file, (field,))
        hint = f"write '{stem}', or rename the file to {written}.yaml"
        yield Diagnostic("name-stem", f"the file is {PurePath(file).name}, the {field} inside '{written}'", place, hint)


def secret_names(whole: Whole) -> Iterator[tuple[str, Place]]:
    """Every secret id that the fleet needs, with the place that asks for it."""
    for account in whole.accounts:
        place = Place(account.file, ("account",))
        yield secret_id("CUSTOMER_LLM_CONFIG", account.id), place
        yield secret_id("ROUTER_POLICY", account.id), place
    for region in whole.catalogue.regions.values():
        yield secret_id("PROVISIONED_OPENAI_CONFIG", region.input.region), Place(region.file, ("region",))


def collisions(whole: Whole) -> Iterator[Diagnostic]:
    """Two ids never become one secret, nor one Kubernetes name (where '_' is written '-')."""
    owners = {
        "account": [each.id for each in whole.accounts],
        "region": [each.input.region for each in whole.catalogue.regions.values()],
    }
    every = [
        secret_id(kind, owner).replace("_", "-")
        for subject, kinds in SUBJECTS.items()
        for kind in kinds
        for owner in owners[subject]
    ]
    if len(set(every)) == len(every):
        return  # nearly always; to say where takes ten times as long
    taken: dict[str, tuple[str, Place]] = {}
    reported: set[tuple[str, str]] = set()
    for secret, place in secret_names(whole):
        name = secret.replace("_", "-")
        other, first = taken.setdefault(name, (secret, place))
        if first == place or (first.file, place.file) in reported:
            continue
        if other == secret and first.file.partition("/")[0] == place.file.partition("/")[0]:
            continue  # two files with one id: one of them is named differently from it, and that is said
        reported.add((first.file, place.file))
        what = f"secret '{secret}'" if other == secret else f"Kubernetes name '{name}'"
        related = (Related(first, "the other one"),)
        yield Diagnostic("name-collision", f"two ids become the {what}", place, "rename one of them", related)


def route_group_names(context: Context) -> Iterator[Diagnostic]:
    """Models and route groups share one namespace."""
    for account in context.accounts:
        for name in account.input.route_groups:
            if context.catalogue.knows_model(name):
                model = context.catalogue.models.get(name)
                related = (Related(Place(model.file, ("code",)), "the model"),) if model else ()
                place = (Place(account.file) / "route_groups" / name).key()
                message = f"the route group '{name}' is named like a model"
                yield Diagnostic("name-taken", message, place, "rename it", related)


def key_duplicates(context: Context) -> Iterator[Diagnostic]:
    """Router keys are told apart by id and by hash."""
    for account in context.accounts:
        if account.input.keys:
            yield from _duplicates(account, "id")
            yield from _duplicates(account, "sha256")


def _duplicates(account: Account, field: str) -> Iterator[Diagnostic]:
    first: dict[str, int] = {}
    for index, key in enumerate(account.input.keys):
        value = getattr(key, field)
        if value in first:
            place = Place(account.file, ("keys", index, field))
            related = (Related(Place(account.file, ("keys", first[value], field)), "the other one"),)
            what = f"the id '{value}'" if field == "id" else "one hash"
            yield Diagnostic("key-duplicate", f"two keys have {what}", place, "issue a key of its own", related)
        else:
            first[value] = index
