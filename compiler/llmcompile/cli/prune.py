"""``llmcompile prune``."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from llmcompile.cli.options import compiled_or_exit, find_root, root_option, to_option

_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


class _AgeType(click.ParamType[timedelta]):
    """A whole number of hours, days or weeks."""

    name = "30d"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        found = re.fullmatch(r"([0-9]{1,5})([hdw])", str(value))
        if not found:
            self.fail(f"{value!r} is no age; write 12h, 30d or 4w", param, ctx)
        return int(found[1]) * _UNITS[found[2]]


@click.command("prune")
@root_option
@to_option
@click.option(
    "--keep", type=click.IntRange(min=1), required=True, metavar="N", help="Keep the N newest of each secret."
)
@click.option("--min-age", type=_AgeType(), required=True, help="Destroy nothing younger than 12h, 30d, 4w.")
@click.option("--yes", is_flag=True, help="Destroy them. Without it they are only listed.")
def command(root: Path | None, to: str, keep: int, min_age: timedelta, yes: bool) -> None:
    """Destroy old versions of our secrets, for good; every one that is left is billed.

    Never the newest, never one that an alias or a ref in the YAML points to. Meant for an identity of its own: the
    one that pushes cannot destroy. Lists what it would destroy, unless told --yes.
    """
    where = find_root(root)
    result = compiled_or_exit(where, None)

    from llmcompile.cli.planning import opened
    from llmcompile.push.ownership import is_ours
    from llmcompile.push.prune import Policy, prunable, referenced

    _, store = opened(where, to)
    policy = Policy(keep, min_age, datetime.now(UTC), referenced(result.linked))
    count = 0
    for held in sorted(filter(is_ours, store.secrets()), key=lambda each: each.secret):
        for old in prunable(store, held, policy):
            if yes:
                store.destroy(old.secret, old.number)
            click.echo(
                f"{'destroyed' if yes else 'would destroy'} {old.secret} version {old.number} of {old.created:%F}"
            )
            count += 1
    click.echo(f"{count} {'destroyed' if yes else 'to destroy; add --yes to do it'}", err=True)
