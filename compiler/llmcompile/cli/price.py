"""``llmcompile price``: what a model costs at an instant, and ``price set``, which adds a row."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from llmcompile.cli import editing
from llmcompile.cli.options import InstantType, compiled_or_exit, find_root, now, region_option, root_option
from llmcompile.cli.price_options import of_options, price_options
from llmcompile.errors import UsageError


class _Group(click.Group):
    """``price MODEL`` is ``price show MODEL``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "-h", "--help"):
            args = ["show", *args]
        return super().parse_args(ctx, args)


@click.group("price", cls=_Group)
def command() -> None:
    """Show what a model costs, or give it a new price.

    price MODEL --at T is short for price show MODEL --at T.
    """


@command.command("show")
@root_option
@region_option
@click.option("--at", type=InstantType(), metavar="TIME", help="When. Default: the clock.")
@click.option("--account", metavar="ACCOUNT", help="What its requests would cost, fallbacks included.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.argument("model")
def show(
    root: Path | None, region: str | None, at: datetime | None, account: str | None, form: str, model: str
) -> None:
    """Show the price of MODEL that holds at an instant, and when the next one starts.

    With --account it is the router's own answer for that account: MODEL may be a route group, and each model that
    would be tried is shown with its price.
    """
    where = find_root(root)
    result = compiled_or_exit(where, None)

    from llmcompile.cli.names import account_region
    from llmcompile.show import prices

    if account is None:
        if region is not None:
            raise UsageError("--region is for --account", "a price depends on no region")
        answer = prices.of_model(result.linked.models, model, now(at))
    else:
        chosen = account_region(result.linked, account, region)
        answer = prices.of_account(result, account, chosen, model, now(at))
    click.echo(json.dumps(answer, indent=2, ensure_ascii=False) if form == "json" else prices.render_text(answer))


@command.command("set")
@editing.edit_options
@click.option("--from", "start", type=InstantType(), metavar="DATE", required=True, help="From when it holds, UTC.")
@price_options
@click.option("--currency", metavar="CODE", help="Default: the model's.")
@click.option("--reviewed", metavar="URL", help="Who confirmed an unusual price.")
@click.option("--allow-past", is_flag=True, help="Let the row change what already happened.")
@click.argument("model")
def set_price(
    root: Path | None, as_of: datetime | None, dry_run: bool, no_check: bool, model: str, **options: Any
) -> None:
    """Add a row to the prices of MODEL.

    The row before holds up to the new one, the new one up to the next. No row that is there is touched.
    """
    done = editing.how(root, as_of, dry_run, no_check)

    from llmcompile.edit import prices
    from llmcompile.inputs.model import Model

    given = of_options(options)
    if not given:
        raise UsageError("no price is given", "add --text-input and the others; what is free costs 0")
    draft, held = editing.opened(done.root, "models", model, Model)
    new = prices.NewPrice(options["start"], given, options["currency"], options["reviewed"])
    after = prices.add_price(draft, held, new, now(as_of), allow_past=options["allow_past"])
    editing.changed(done, draft, after)
    for line in prices.remarks(held, new):
        click.echo(line, err=True)
    editing.checked(done)
