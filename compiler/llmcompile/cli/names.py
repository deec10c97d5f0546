"""Names given on the command line to what they name, with the nearest one where there is none."""

from __future__ import annotations

from collections.abc import Iterable

from llmcompile.errors import UsageError
from llmcompile.link.catalogue import Catalogue
from llmcompile.literals import quote
from llmcompile.suggest import did_you_mean
from llmrouter.entities import Endpoint


def account_region(catalogue: Catalogue, account: str, region: str | None) -> str:
    """The region meant for an account: the one given, or its only one."""
    if account not in catalogue.accounts:
        raise UsageError(f"no account {quote(account)}", did_you_mean(account, catalogue.accounts))
    regions = catalogue.accounts[account].input.all_regions
    if region is None:
        if len(regions) > 1:
            raise UsageError(f"account '{account}' has several regions", f"add --region: {', '.join(regions)}")
        return regions[0]
    if region not in regions:
        raise UsageError(f"account '{account}' is not in {quote(region)}", f"it is in {', '.join(regions)}")
    return region


def endpoints_down(down: Iterable[str], endpoints: Iterable[Endpoint]) -> None:
    """Refuse an endpoint that does not exist: it would be down without a difference."""
    known = {name for each in endpoints for name in (each.name, each.label)}
    for name in down:
        if name not in known:
            hint = did_you_mean(name, known, f"one of {', '.join(sorted(known))}" if known else "")
            raise UsageError(f"no endpoint {quote(name)}", hint)
