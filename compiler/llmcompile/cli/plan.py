"""``llmcompile plan``."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmcompile.cli.options import as_of_option, compiled_or_exit, find_root, root_option, to_option
from llmcompile.errors import PENDING

if TYPE_CHECKING:
    from llmcompile.push.plan import Plan

_SIGNS = {"create": ("+", "green"), "change": ("~", "yellow")}


@click.command("plan")
@root_option
@as_of_option
@to_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 3 where push would write something.")
def command(root: Path | None, as_of: datetime | None, to: str, form: str, detailed_exitcode: bool) -> None:
    """Show what push would write: which secrets, versions and sizes, never a value."""
    where = find_root(root)
    result = compiled_or_exit(where, as_of)

    from llmcompile.push.open import open_store
    from llmcompile.push.plan import PLAN_FORMAT, make_plan
    from llmcompile.push.resolve import resolve_all

    store = open_store(to, result.linked.project, where)
    plan = make_plan(resolve_all(result.documents, result.linked, where, os.environ), store)
    if form == "json":
        data = {"format": PLAN_FORMAT, "changes": [asdict(each) for each in plan.changes]}
        click.echo(json.dumps(data, indent=2))
    else:
        _text(plan)
    sys.exit(PENDING if detailed_exitcode and plan.pending else 0)


def _text(plan: Plan) -> None:
    for change in plan.pending:
        sign, colour = _SIGNS[change.action]
        old = f"version {change.old_version} ({change.old_size:,} bytes) -> " if change.old_version else ""
        new = f"version {change.new_version} ({change.new_size:,} bytes)"
        click.echo(f"{click.style(sign, fg=colour)} {change.secret}: {old}{new}")
    click.echo(f"{len(plan.pending)} to write, {len(plan.changes) - len(plan.pending)} unchanged")
