"""``llmcompile key add``."""

from __future__ import annotations

import sys
from collections.abc import Collection
from pathlib import Path

import click

from llmcompile.cli import editing
from llmcompile.cli.options import root_option, show_problems
from llmcompile.errors import PROBLEMS


@click.group("key")
def command() -> None:
    """Issue a router key."""


@command.command("add")
@root_option
@click.option("--team", metavar="TEAM", help="The team whose rights it has. Default: the account's rights.")
@click.option("--tier", metavar="TIER", help="Limits of the key's own.")
@click.argument("account")
@click.argument("name", metavar="ID")
def add(root: Path | None, team: str | None, tier: str | None, account: str, name: str) -> None:
    """Make a new key for ACCOUNT, called ID in logs.

    The key is printed once, alone on stdout, and kept nowhere; the YAML gets its SHA-256.
    """
    done = editing.how(root, None, dry_run=False, no_check=True)

    from llmcompile.edit import keys
    from llmcompile.inputs.account import Account

    draft, held = editing.opened(done.root, "accounts", account, Account)
    if tier is not None:
        keys.known("tier", tier, _tiers(done.root), "declare it under tiers: in llmcompile.yaml")
    key = keys.new_key()
    after = keys.add_key(draft, held, name, keys.hashed(key), team, tier)
    editing.changed(done, draft, after, quiet=True)
    # From here on nothing may fail: a script that stops here has lost a key that the YAML knows.
    click.echo(key)
    click.echo("this is the key, shown once; hand it over by a way that you trust", err=True)


def _tiers(root: Path) -> Collection[str]:
    from llmcompile.load.repository import load_project

    project, problems = load_project(root)
    if project is None:
        show_problems(root, problems)
        sys.exit(PROBLEMS)
    return project.tiers
