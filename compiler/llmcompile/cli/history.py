"""``llmcompile history``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from llmcompile.cli.options import root_option, to_option


@click.command("history")
@root_option
@to_option
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="Runs to look at."
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.argument("name", required=False, metavar="[ACCOUNT|REGION]")
def command(root: Path | None, to: str, limit: int, form: str, name: str | None) -> None:
    """Show the runs that wrote to a store, newest first; with a name, the versions of its secrets."""
    from llmcompile.cli.planning import opened
    from llmcompile.cli.subjects import secrets_of
    from llmcompile.push import history

    _, store = opened(root, to)
    runs = list(history.runs(store, limit))
    if name is None:
        if form == "json":
            click.echo(
                json.dumps({"format": history.HISTORY_FORMAT, "runs": [asdict(each) for each in runs]}, indent=2)
            )
            return
        for run in runs:
            commit = run.revision[:12] or "no commit"
            click.echo(f"run {run.number}  {run.started}  {run.command}  {commit}  {run.count} written")
        return
    written = [each for secret in secrets_of(name, store) for each in history.versions(store, secret, runs)]
    if form == "json":
        rows = [
            {
                "secret": each.secret,
                "version": each.version.number,
                "state": each.version.state,
                "created": each.version.created.isoformat(),
                "run": each.run.number if each.run else None,
                "revision": each.run.revision if each.run else None,
            }
            for each in written
        ]
        click.echo(json.dumps({"format": history.HISTORY_FORMAT, "versions": rows}, indent=2))
        return
    for each in written:
        by = (
            f"{each.run.command} of {each.run.revision[:12] or 'no commit'}, run {each.run.number}" if each.run else "?"
        )
        created = f"{each.version.created:%Y-%m-%dT%H:%M:%SZ}"
        click.echo(f"{each.secret}  version {each.version.number}  {each.version.state}  {created}  {by}")
