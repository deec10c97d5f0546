"""``llmcompile check``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmcompile.cli.options import as_of_option, find_root, now, progress_bar, root_option
from llmcompile.errors import PROBLEMS

if TYPE_CHECKING:
    from llmcompile.pipeline import Compiled
    from llmcompile.prove.outcome import Proof

FORMS = ["text", "json", "github", "sarif"]


@click.command("check")
@root_option
@as_of_option
@click.option("--format", "form", type=click.Choice(FORMS), default="text", show_default=True)
@click.option("--proofs", is_flag=True, help="Prove things about the whole fleet, and say what was covered.")
@click.option("--witness", type=click.Choice(["genai-prices"]), help="Compare prices with those of a package, offline.")
def command(root: Path | None, as_of: datetime | None, form: str, proofs: bool, witness: str | None) -> None:
    """Report every problem of the whole repository at once.

    Exits with 1 where there is an error; warnings and notes do not count.
    """
    where, instant, asked = find_root(root), now(as_of), _asked(proofs, witness is not None)

    from llmcompile.pipeline import compile_repository
    from llmcompile.show.located import summary

    with progress_bar() as progress:
        result = compile_repository(where, instant, progress, proofs=asked)
    _show(where, result, form, asked=bool(asked))
    click.echo(f"{result.scope}{summary(result.diagnostics)}", err=True)
    sys.exit(PROBLEMS if result.failed else 0)


def _asked(proofs: bool, witness: bool) -> Sequence[Proof]:
    """The proofs to try. They bring the router's half along, which a plain check does without."""
    asked: list[Proof] = []
    if proofs:
        from llmcompile.prove import PROOFS

        asked += PROOFS
    if witness:
        from llmcompile.prove.genai_prices import GenaiPrices
        from llmcompile.prove.witness import confirmation

        asked.append(confirmation(GenaiPrices.installed()))
    return asked


def _show(root: Path, result: Compiled, form: str, *, asked: bool) -> None:
    """The diagnostics and the proofs on stdout; where a machine reads diagnostics alone, the proofs on stderr."""
    from llmcompile.load.locate import Locator
    from llmcompile.show import machine, proofs, sarif, text
    from llmcompile.show.located import located

    found = located(result.diagnostics, Locator(root))
    if form == "json":
        click.echo(machine.render_json(found, {"proofs": proofs.objects(result.proofs)} if asked else None))
    elif form == "github":
        click.echo(machine.render_github(found, below_git(root)), nl=bool(found))
    elif form == "sarif":
        click.echo(sarif.render(found, below_git(root)))
    elif found:
        click.echo(text.render(found))
    if result.proofs and form != "json":
        click.echo(proofs.render_text(result.proofs), err=form != "text")


def below_git(root: Path) -> str:
    """What leads from the top of the git repository to the root, ending in a slash: GitHub counts paths from there."""
    top = next((each for each in (root, *root.parents) if (each / ".git").exists()), root)
    return "" if top == root else f"{root.relative_to(top).as_posix()}/"
