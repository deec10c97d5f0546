"""``llmcompile explain``."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click

from llmcompile.cli.options import InstantType, compiled_or_exit, find_root, now, region_option, root_option
from llmcompile.errors import UsageError


@click.command("explain")
@root_option
@region_option
@click.option("--at", type=InstantType(), metavar="TIME", help="When. Default: the clock.")
@click.option(
    "--down", multiple=True, metavar="ENDPOINT", help="Leave an endpoint out, as if it were down. Repeatable."
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.argument("account")
@click.argument("model")
def command(
    root: Path | None,
    region: str | None,
    at: datetime | None,
    down: tuple[str, ...],
    form: str,
    account: str,
    model: str,
) -> None:
    """Show where a request of ACCOUNT for MODEL would go, offline.

    For every endpoint in the order in which it would be tried: URL, deployment, auth, header names and the price
    row; with them limits and the keys that may call it. MODEL is a model's code or a route group.
    """
    where = find_root(root)
    result = compiled_or_exit(where, None)

    from llmcompile.cli.names import account_region, endpoints_down
    from llmcompile.show import explain
    from llmrouter.resolve import NotAllowed, Unknown

    chosen = account_region(result.linked, account, region)
    snapshot = explain.snapshot_of(result.documents, account, chosen)
    endpoints_down(down, snapshot.endpoints)
    question = explain.Question(account, chosen, model, now(at), down)
    try:
        answer = explain.explain(snapshot, question)
    except Unknown as error:
        hint = f"did you mean '{error.suggestion}'?" if error.suggestion else "see llmcompile models list"
        raise UsageError(f"account '{account}' knows no model or route group '{model}'", hint) from error
    except NotAllowed as error:
        raise UsageError(f"account '{account}' may not call '{model}'", "grant it under access:") from error
    click.echo(json.dumps(answer, indent=2, ensure_ascii=False) if form == "json" else explain.render_text(answer))
