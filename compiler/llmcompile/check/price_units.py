"""Price units ahead: what is priced today is priced tomorrow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

from llmcompile.check.context import Whole
from llmcompile.diagnostics import Diagnostic, Place, Related
from llmcompile.inputs.values import format_instant


def dropped(whole: Whole) -> Iterator[Diagnostic]:
    """From now to the horizon, no row leaves out a unit that the row before prices."""
    horizon = whole.as_of + timedelta(days=whole.catalogue.project.price_horizon_days)
    for model in whole.catalogue.models.values():
        for index, (before, row) in enumerate(pairwise(model.input.token_costs), start=1):
            if not whole.as_of < row.start <= horizon:
                continue
            priced = {unit for unit, _ in row.per_million_tokens.items()}
            lacking = [unit for unit, _ in before.per_million_tokens.items() if unit not in priced]
            if lacking:
                place = Place(model.file, ("token_costs", index, "per_million_tokens")).key()
                first = Place(model.file, ("token_costs", index - 1, "per_million_tokens", lacking[0]))
                message = f"no price of {', '.join(lacking)} from {format_instant(row.start)} on"
                hint = f"add {lacking[0]}: PRICE; what is free costs 0"
                yield Diagnostic("price-unit-gap", message, place, hint, (Related(first, "priced until then"),))
