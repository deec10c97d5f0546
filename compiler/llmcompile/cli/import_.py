"""``llmcompile import``."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmcompile.cli.options import InstantType, as_of_option, now
from llmcompile.errors import PROBLEMS, UsageError

if TYPE_CHECKING:
    from llmcompile.importing.files import Where
    from llmcompile.importing.run import Outcome

REGION, ACCOUNT = "europe-west1", "example"
START = "2000-01-01"
"""From when on a price without a date holds: since ever, and no date that anybody takes for a real one."""


@click.command("import")
@click.option("--out", required=True, metavar="DIR", type=click.Path(path_type=Path), help="The new repository.")
@click.option("--region", default=REGION, show_default=True, metavar="ID", help="The region of the router.")
@click.option(
    "--account", metavar="ID", help="Make the endpoints this account's own. Default: the platform's, for all accounts."
)
@click.option(
    "--start",
    type=InstantType(),
    default=START,
    show_default=True,
    metavar="DATE",
    help="From when on the prices hold; the source has no dates.",
)
@click.option(
    "--prices",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Prices and types where the source has none: litellm's model_prices_and_context_window.json.",
)
@click.option(
    "--env",
    "variables",
    multiple=True,
    metavar="NAME=VALUE",
    help="The value of an environment variable that the source names and that is no secret, such as a URL. Repeatable.",
)
@as_of_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.argument("kind", metavar="litellm|deltallm", type=click.Choice(["litellm", "deltallm"]))
@click.argument("config", type=click.Path(path_type=Path))
def command(
    out: Path,
    region: str,
    account: str | None,
    start: datetime,
    prices: Path | None,
    variables: tuple[str, ...],
    as_of: datetime | None,
    form: str,
    kind: str,
    config: Path,
) -> None:
    """Make a repository of YAML from the CONFIG of another proxy, and say what became of each of its items.

    No secret is taken over: what is written out gets a variable of its own. Exits with 0 where `check` passes on what
    was written, with 1 where it does not yet, or where nothing could be written.
    """
    from llmcompile.importing import prices as price_lists
    from llmcompile.importing import rendering
    from llmcompile.importing.dialects import DIALECTS
    from llmcompile.importing.run import Request, run

    request = Request(
        dialect=DIALECTS[kind],
        config=config,
        out=out,
        where=_where(region, account, start),
        variables=_variables(variables),
        price_list=price_lists.read_list(prices) if prices else price_lists.PriceList(),
        as_of=now(as_of),
    )
    outcome = run(request)
    stopped = outcome.problems and not outcome.files
    if stopped:
        _show(outcome)
    if form == "json":
        click.echo(rendering.as_json(request, outcome))
    elif not stopped:
        click.echo(rendering.text(request, outcome))
    if outcome.files:
        click.echo(f"next: llmcompile check --root {out}", err=True)
    sys.exit(0 if outcome.passed else PROBLEMS)


def _show(outcome: Outcome) -> None:
    from llmcompile.show.located import summary
    from llmcompile.show.text import render

    click.echo(render(outcome.problems), err=True)
    click.echo(f"{summary(each.diagnostic for each in outcome.problems)}; nothing was written", err=True)


def _where(region: str, account: str | None, start: datetime) -> Where:
    from pydantic import TypeAdapter, ValidationError

    from llmcompile.importing.files import Where
    from llmcompile.inputs.values import AccountId, RegionId, format_instant

    for kind, text, option in ((RegionId, region, "--region"), (AccountId, account or ACCOUNT, "--account")):
        try:
            TypeAdapter(kind).validate_python(text)
        except ValidationError as error:
            raise UsageError(
                f"{option}: {error.errors()[0]['msg']}", "lowercase letters, digits, '-' and '_'"
            ) from None
    return Where(region, account or ACCOUNT, account is not None, format_instant(start))


def _variables(given: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise UsageError("--env takes NAME=VALUE", "for a secret write nothing: its variable's name is enough")
        found[name] = value
    return found
