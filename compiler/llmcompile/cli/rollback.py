"""``llmcompile rollback``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmcompile.cli.options import find_root, root_option
from llmcompile.errors import CommandError, UsageError

if TYPE_CHECKING:
    from llmcompile.push.rollback import Back

_DOCUMENTS = ("CUSTOMER_LLM_CONFIG", "ROUTER_POLICY", "PROVISIONED_OPENAI_CONFIG")


@click.command("rollback")
@root_option
@click.option("--store", required=True, metavar="STORE", help="A name from stores:, or a URI such as dir:PATH.")
@click.option("--to", type=click.IntRange(min=1), metavar="N", help="The version. Default: the one before the newest.")
@click.option("--document", type=click.Choice(_DOCUMENTS), help="One document. Default: those written last, together.")
@click.option("--dry-run", is_flag=True, help="Only show what it would do.")
@click.argument("name", metavar="ACCOUNT|REGION")
def command(root: Path | None, store: str, to: int | None, document: str | None, dry_run: bool, name: str) -> None:
    """Bring back an earlier version of an account's or a region's documents.

    Adds a new version with the old bytes; nothing is disabled or lost, and --to can undo it. Run again, it finishes
    what was cut off, or does nothing. It works where the old version is disabled, and needs no YAML that is right.
    Git still says otherwise: revert the commit too, or the next push undoes the rollback.
    """
    from llmcompile.cli.planning import opened
    from llmcompile.cli.subjects import secrets_of
    from llmcompile.push import history, ledger
    from llmcompile.push.apply import Run
    from llmcompile.push.clock import SystemClock
    from llmcompile.push.report import Report
    from llmcompile.push.rollback import back, rollback_plan, secrets_of_last_run
    from llmcompile.push.steady import Steady

    uri, held = opened(root, store)
    last, _ = ledger.last(held)
    secrets = _chosen(secrets_of(name, held), to, document)
    if to is None and document is None:
        secrets = secrets_of_last_run(held, secrets, history.runs(held, 20))
    if not secrets:
        click.echo(f"{name} is rolled back already; --to N with --document goes to another version", err=True)
        return
    backs = [back(held, each, to, only_look=dry_run) for each in secrets]
    plan = rollback_plan(backs, uri)
    for fact in plan.facts:
        click.echo(f"  {fact.text}")
    if dry_run:
        _show(backs, "would become")
        return
    run = Run(Steady(held, SystemClock()), Report(plan, _revision(root)), last, "rollback")
    run.write([each.write for each in backs])
    _show(backs, "is now")
    click.echo("git still says otherwise: revert the commit too, or the next push undoes this", err=True)


def _chosen(secrets: list[str], to: int | None, document: str | None) -> list[str]:
    from llmcompile.secret_ids import owner_of

    kinds = {each: (owner_of(each) or ("", ""))[0] for each in secrets}
    if document is not None:
        secrets = [each for each, kind in kinds.items() if kind == document]
        if not secrets:
            raise UsageError(f"the store has no {document} of it", f"it has {', '.join(kinds.values())}")
    if to is not None and len(secrets) > 1:
        message = f"which document goes to version {to}? Each has numbers of its own"
        raise UsageError(message, " or ".join(f"--document {kinds[each]}" for each in secrets))
    return secrets


def _show(backs: list[Back], verb: str) -> None:
    for each in backs:
        what = f"version {each.newest.number + 1} {verb} version {each.to} again ({len(each.payload):,} bytes)"
        click.echo(f"{each.secret}: {what}")


def _revision(root: Path | None) -> str:
    from llmcompile.push.revision import revision_of

    try:
        return str(revision_of(find_root(root)))
    except CommandError:
        return ""  # a rollback needs no repository
