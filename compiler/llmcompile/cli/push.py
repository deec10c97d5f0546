"""``llmcompile push``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmcompile.cli.options import as_of_option, compiled_or_exit, find_root, progress_bar, root_option, to_option
from llmcompile.cli.subjects import SubjectType
from llmcompile.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcompile.cli.planning import Looked
    from llmcompile.push.apply import Run
    from llmcompile.push.guards import Refusal


@click.command("push")
@root_option
@as_of_option
@to_option
@click.option("--expect", metavar="DIGEST|FILE", help="Apply exactly this plan: its digest, or plan --format json.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write a JSON report.")
@click.option(
    "--wait", type=click.FloatRange(min=0), metavar="SECONDS", help="Wait until readers get the new versions."
)
@click.option("--confirm-changes", type=int, metavar="N", help="Exactly N secrets may change.")
@click.option("--confirm-removed", type=SubjectType(), multiple=True, help="It has left for good. Repeatable.")
@click.option("--confirm-emptied", type=SubjectType(), multiple=True, help="It may have no endpoint. Repeatable.")
@click.option("--confirm-revision", default="", metavar="COMMIT", help="Push over this commit, which is not older.")
def command(
    root: Path | None,
    as_of: datetime | None,
    to: str,
    expect: str | None,
    report: Path | None,
    wait: float | None,
    confirm_changes: int | None,
    confirm_removed: tuple[str, ...],
    confirm_emptied: tuple[str, ...],
    confirm_revision: str,
) -> None:
    """Bring a store to what the YAML says.

    Refs are resolved in memory, every document is proven again, every right is there, and then only what changed gets
    a new version. A second push writes nothing; one that died is finished by running it again.
    """
    where = find_root(root)
    result = compiled_or_exit(where, as_of)

    from llmcompile.cli.planning import looked
    from llmcompile.push.apply import Run
    from llmcompile.push.clock import SystemClock
    from llmcompile.push.expect import Reviewed
    from llmcompile.push.guards import Confirmations, Situation, refusals
    from llmcompile.push.plan import make_plan
    from llmcompile.push.report import Report
    from llmcompile.push.revision import revision_of
    from llmcompile.push.steady import Steady

    confirmed = Confirmations(confirm_changes, frozenset(confirm_removed), frozenset(confirm_emptied), confirm_revision)
    found = looked(where, result, to)
    plan = Reviewed.of(expect).plan(found.seen, found.uri) if expect else make_plan(found.seen, found.uri)
    revision = revision_of(where)
    stop(refusals(Situation(plan, result.linked.project.guards, found.pushed_last, revision, confirmed)))
    run = Run(Steady(found.store, SystemClock()), Report(plan, str(revision)), found.last)
    try:
        _carry_out(run, found, wait)
    finally:
        if report:
            run.report.write(report)


def _carry_out(run: Run, found: Looked, wait: float | None) -> None:
    from llmcompile.push.apply import writes_of
    from llmcompile.push.wait import wait_for_readers

    plan, sizes = run.report.plan, {each.secret: each for each in run.report.plan.changes}
    with progress_bar() as progress:

        def done(secret: str, version: int) -> None:
            click.echo(f"{sizes[secret].action} {secret} -> version {version} ({sizes[secret].new_size:,} bytes)")
            progress("push", len(run.report.done), len(plan.pending))

        run.done = done
        orphans = {each.secret for each in plan.having("orphan")}
        leaving = [each.held for each in found.seen if each.held and each.secret in orphans]
        run.write(writes_of(plan, found.seen), leaving, found.seen)
        for secret in run.report.retired:
            click.echo(f"retired {secret}: it stays as it is, and no push asks about it again")
        if wait is not None:
            wait_for_readers(run.report.done, found.store, wait, run.steady.clock)
    click.echo(f"{len(run.report.done)} written, {len(plan.having('unchanged'))} unchanged", err=True)


def stop(refused: Sequence[Refusal]) -> None:
    """Raise ``RefusedError`` where anything stands in the way, with the flag that confirms each, and just it."""
    if not refused:
        return
    lines = ["refused; nothing was written"]
    for each in refused:
        lines.append(f"  {each.code}: {each.message}")
        lines += [f"    {each.next_step}"] if each.next_step else []
        lines += [f"    to confirm just this: {each.confirmation}"] if each.confirmation else []
    raise RefusedError("\n".join(lines), "look at what it would do: llmcompile plan")
