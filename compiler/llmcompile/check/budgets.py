"""Budgets: each counts something, in the currency of what it covers."""

from __future__ import annotations

from collections.abc import Iterator

from llmcompile.check.context import Context
from llmcompile.diagnostics import Diagnostic, Place, Related
from llmcompile.inputs.budget import Budget
from llmcompile.link.access import account_grant, allowed, callable_groups, key_grant
from llmcompile.link.catalogue import Account, Catalogue, Model


def unreachable(context: Context) -> Iterator[Diagnostic]:
    """An account's budget holds for what the platform's endpoints cost; an account without any needs none."""
    for account in context.accounts:
        if account.input.budget is not None and account.input.source in ("tenant", "local"):
            message = f"this budget counts nothing: source {account.input.source} never uses the platform"
            related = (Related(Place(account.file, ("source",)), "the source"),)
            place = Place(account.file, ("budget",)).key()
            yield Diagnostic("budget-unreachable", message, place, "remove it, or give the keys budgets", related)


def currencies(context: Context) -> Iterator[Diagnostic]:
    """A budget's currency is that of the models it covers."""
    for account in context.accounts:
        for place, budget, models in _budgets(context.catalogue, account):
            yield from _currency(place / "budget" / "monthly" / "currency", budget, models)


def _budgets(catalogue: Catalogue, account: Account) -> Iterator[tuple[Place, Budget, list[Model]]]:
    """Every budget of an account, and the models whose cost it counts."""
    written, place = account.input, Place(account.file)
    if written.budget is None and all(key.budget is None for key in written.keys):
        return
    reachable, groups = catalogue.reachable(account), callable_groups(catalogue, account)
    platform = catalogue.platform_models(account)
    if written.budget is not None and written.source not in ("tenant", "local"):
        names = allowed(account_grant(written), reachable & platform, groups)
        yield place, written.budget, [catalogue.models[each] for each in names if each in catalogue.models]
    for index, key in enumerate(written.keys):
        if key.budget is not None:
            names = allowed(key_grant(written, key), reachable, groups)
            models = [catalogue.models[each] for each in names if each in catalogue.models]
            yield place / "keys" / index, key.budget, models


def _currency(place: Place, budget: Budget, models: list[Model]) -> Iterator[Diagnostic]:
    currency = budget.monthly.currency
    priced = [each for each in models if each.input.token_costs]
    others = [each for each in priced if each.input.token_costs[-1].currency != currency]
    if not others:
        return
    first = others[0]
    row = len(first.input.token_costs) - 1
    related = (Related(Place(first.file, ("token_costs", row, "currency")), f"'{first.input.code}' is priced here"),)
    found = sorted({each.input.token_costs[-1].currency for each in others})
    if len(others) == len(priced):
        message = f"nothing that this budget covers is priced in {currency}"
        yield Diagnostic("budget-currency", message, place, f"give it in {' or '.join(found)}", related)
    else:
        codes = f"'{first.input.code}'" + (f" and {len(others) - 1} more" if len(others) > 1 else "")
        message = f"what {codes} cost{'s' if len(others) == 1 else ''} is not counted: priced in {', '.join(found)}"
        yield Diagnostic("budget-partial", message, place, f"price them in {currency}, or know of it", related)
