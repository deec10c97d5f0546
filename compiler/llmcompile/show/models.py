"""The catalogue as a table: each model with the prices that hold at an instant."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from io import StringIO

from llmcompile.emit.canonical import instant, money
from llmcompile.inputs.model import TokenCost
from llmcompile.link.catalogue import Model

JSON_FORMAT = 1
_HEADS = ("model", "type", "realtime", "access groups", "price per million tokens")


def row_at(rows: Sequence[TokenCost], moment: datetime) -> TokenCost | None:
    """The row that holds at a moment; rows ascend and do not overlap."""
    started = [row for row in rows if row.start <= moment]
    if not started or (started[-1].end is not None and started[-1].end <= moment):
        return None
    return started[-1]


def render_json(models: Sequence[Model], moment: datetime) -> str:
    """One object with the format's version, the instant and the models."""
    data = {"format": JSON_FORMAT, "as_of": instant(moment), "models": [_object(each, moment) for each in models]}
    return json.dumps(data, indent=2, ensure_ascii=False)


def _object(model: Model, moment: datetime) -> dict[str, object]:
    row = row_at(model.input.token_costs, moment)
    return {
        "code": model.input.code,
        "name": model.input.name,
        "type": model.input.type,
        "realtime": model.realtime,
        "access_groups": list(model.input.access_groups),
        "currency": row.currency if row else None,
        "per_million_tokens": {unit: money(price) for unit, price in row.per_million_tokens.items()} if row else None,
    }


def render_text(models: Sequence[Model], moment: datetime) -> str:
    """A table: drawn on a terminal, plain columns elsewhere."""
    rows = [_row(each, moment) for each in models]
    if sys.stdout.isatty():
        return _drawn(rows)
    widths = [max(map(len, column)) for column in zip(_HEADS, *rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (_HEADS, *rows)]
    return "\n".join(line.rstrip() for line in lines)


def _row(model: Model, moment: datetime) -> tuple[str, ...]:
    row = row_at(model.input.token_costs, moment)
    prices = (
        ", ".join(f"{unit} {money(price)}" for unit, price in row.per_million_tokens.items()) if row else "no price"
    )
    return (
        model.input.code,
        model.input.type,
        "yes" if model.realtime else "no",
        ", ".join(model.input.access_groups) or "-",
        f"{row.currency}: {prices}" if row else prices,
    )


def _drawn(rows: Sequence[tuple[str, ...]]) -> str:
    from rich.console import Console
    from rich.table import Table

    table = Table(*_HEADS)
    for row in rows:
        table.add_row(*row)
    out = StringIO()
    console = Console(file=out, force_terminal=True, width=Console().width)
    console.print(table)
    return out.getvalue().rstrip("\n")
