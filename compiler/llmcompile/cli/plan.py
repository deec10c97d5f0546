"""``llmcompile plan``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click

from llmcompile.cli.options import as_of_option, compiled_or_exit, find_root, root_option, to_option
from llmcompile.errors import PENDING


@click.command("plan")
@root_option
@as_of_option
@to_option
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 3 where push would write something.")
def command(root: Path | None, as_of: datetime | None, to: str, form: str, detailed_exitcode: bool) -> None:
    """Show what push would do, in meaning and in secrets; never a value.

    Only reads. The digest at the end is for push --expect: it stands for the documents and for the versions that the
    store has now. markdown is for the comment on a pull request.
    """
    where = find_root(root)
    result = compiled_or_exit(where, as_of)

    from llmcompile.cli.planning import looked
    from llmcompile.diff.stored import impact_on
    from llmcompile.push.guards import Situation, refusals
    from llmcompile.push.plan import make_plan
    from llmcompile.push.revision import revision_of
    from llmcompile.show import plan_machine, plan_markdown, plan_text

    found = looked(where, result, to)
    plan = make_plan(found.seen, found.uri)
    refused = refusals(Situation(plan, result.linked.project.guards, found.pushed_last, revision_of(where)))
    renderers: dict[str, Callable[..., str]] = {
        "text": plan_text.render_text,
        "json": plan_machine.render_json,
        "markdown": plan_markdown.render_markdown,
    }
    click.echo(renderers[form](plan, refused, impact=impact_on(found.seen, result.linked)))
    sys.exit(PENDING if detailed_exitcode and plan.writes else 0)
