"""``llmcompile account add``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from llmcompile.cli import editing


@click.group("account")
def command() -> None:
    """Add an account."""


@command.command("add")
@editing.edit_options
@click.option(
    "--region", "regions", metavar="REGION", multiple=True, required=True, help="Where its router runs. Repeatable."
)
@click.option("--source", metavar="SOURCE", help="auto, platform, tenant or local. Default: auto.")
@click.option("--tier", metavar="TIER", help="Limits on the platform's endpoints.")
@click.option("--group", "groups", metavar="GROUP", multiple=True, help="What it may call: a group. Repeatable.")
@click.option("--model", "models", metavar="MODEL", multiple=True, help="What it may call: a model. Repeatable.")
@click.option("--residency", metavar="GEO", multiple=True, help="Where its data may be processed. Repeatable.")
@click.option("--description", metavar="TEXT", help="A note for readers.")
@click.argument("account")
def add(root: Path | None, as_of: datetime | None, dry_run: bool, no_check: bool, account: str, **options: Any) -> None:
    """Write accounts/ACCOUNT.yaml.

    Without --group and --model it may call everything that its endpoints serve.
    """
    done = editing.how(root, as_of, dry_run, no_check)

    from llmcompile.edit.new import document
    from llmcompile.edit.render import Braces
    from llmcompile.inputs.account import Account

    regions = options["regions"]
    for region in regions:
        if region not in editing.names(done.root, "regions"):
            raise editing.missing(done.root, "regions", region)
    several = {"regions": regions} if len(regions) > 1 else {"region": regions[0]}
    access = Braces({kind: options[kind] for kind in ("groups", "models") if options[kind]})
    data = {"account": account, "description": options["description"], **several}
    data |= {"source": options["source"], "tier": options["tier"], "residency": options["residency"], "access": access}
    editing.created(done, f"accounts/{account}.yaml", Account, document("account", data))
    editing.checked(done)
