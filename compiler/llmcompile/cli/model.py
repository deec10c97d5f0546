"""``llmcompile model add``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from llmcompile.cli import editing
from llmcompile.cli.options import InstantType
from llmcompile.cli.price_options import of_options, price_options
from llmcompile.errors import UsageError


@click.group("model")
def command() -> None:
    """Add a model to the catalogue."""


@command.command("add")
@editing.edit_options
@click.option("--type", "type", metavar="TYPE", required=True, help="Such as chat or embedding.")
@click.option("--name", metavar="TEXT", help="The name that people read.")
@click.option("--description", metavar="TEXT", help="What it is for.")
@click.option("--realtime", is_flag=True, help="It is called over the WebSocket.")
@click.option("--group", "access_groups", metavar="GROUP", multiple=True, help="Who may call it. Repeatable.")
@click.option("--fallback", "fallbacks", metavar="MODEL", multiple=True, help="Tried when it fails. Repeatable.")
@click.option("--retires", type=InstantType(), metavar="DATE", help="When its provider takes it out of service.")
@click.option("--start", type=InstantType(), metavar="DATE", help="From when its price holds, UTC.")
@click.option("--currency", metavar="CODE", help="Such as USD.")
@price_options
@click.argument("code")
def add(root: Path | None, as_of: datetime | None, dry_run: bool, no_check: bool, code: str, **options: Any) -> None:
    """Write models/CODE.yaml. CODE is what clients send; it never changes.

    The price takes --start, --currency and a price for each unit; price set adds it later.
    """
    done = editing.how(root, as_of, dry_run, no_check)

    from llmcompile.edit.new import document
    from llmcompile.edit.prices import row
    from llmcompile.inputs.model import Model
    from llmcompile.inputs.values import format_instant

    prices, start, currency = of_options(options), options["start"], options["currency"]
    if (bool(prices), bool(start), bool(currency)) not in ((True,) * 3, (False,) * 3):
        raise UsageError("a price is --start, --currency and a price for each unit", "give all of them, or none")
    fields = ("name", "description", "type", "realtime", "access_groups", "fallbacks")
    data = {"code": code} | {field: options[field] for field in fields}
    data["retires"] = options["retires"] and format_instant(options["retires"])
    data["token_costs"] = (row(start, currency, prices),) if prices else ()
    editing.created(done, f"models/{code}.yaml", Model, document("model", data))
    editing.checked(done)
