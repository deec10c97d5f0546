"""``llmcompile exec``."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import click

from llmcompile.cli.options import as_of_option, compiled_or_exit, find_root, region_option, root_option
from llmcompile.errors import UsageError


@click.command("exec")
@root_option
@as_of_option
@region_option
@click.argument("account")
@click.argument("cmd", metavar="-- CMD...", nargs=-1, required=True, type=click.UNPROCESSED)
def command(root: Path | None, as_of: datetime | None, region: str | None, account: str, cmd: tuple[str, ...]) -> None:
    """Run CMD with the account's three documents in its environment.

    \b
    llmcompile exec acme -- llmrouter serve

    Refs are resolved in memory; nothing is written to disk. CMD replaces this process.
    """
    where = find_root(root)
    result = compiled_or_exit(where, as_of)

    from llmcompile.cli.names import account_region
    from llmcompile.cli.planning import resolved
    from llmcompile.push.open import Opener

    chosen = account_region(result.linked, account, region)
    wanted = {("CUSTOMER_LLM_CONFIG", account), ("ROUTER_POLICY", account), ("PROVISIONED_OPENAI_CONFIG", chosen)}
    documents = [each for each in result.documents if (each.kind, each.owner) in wanted]
    payloads = resolved(result, documents, Opener(where))
    # A NAME_FILE of the caller's would win over, or contradict, what is set here.
    stale = {f"{each.document.kind}_FILE" for each in payloads}
    environment = {name: value for name, value in os.environ.items() if name not in stale}
    environment |= {each.document.kind: each.data.decode() for each in payloads}
    try:
        os.execvpe(cmd[0], cmd, environment)  # noqa: S606 - running what the caller named is the purpose
    except OSError as error:
        raise UsageError(f"cannot run {cmd[0]}: {error.strerror}", "name a program, or its path") from error
