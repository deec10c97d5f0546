"""``llmcompile build``."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llmcompile.cli.options import (
    as_of_option,
    cache_option,
    compiled_or_exit,
    find_root,
    fleet_cache,
    jobs_option,
    now,
    progress_bar,
    root_option,
    show_problems,
    stats_option,
)
from llmcompile.errors import PROBLEMS, UsageError

if TYPE_CHECKING:
    from llmcompile.emit.kubernetes.routers import Router
    from llmcompile.fleet.cache import Cache
    from llmcompile.inputs.project import Project
    from llmcompile.pipeline import Compiled

_WORD = r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*"
_NAME = rf"(?:[A-Za-z0-9.-]+(?::\d+)?/)?{_WORD}(?:/{_WORD})*"
_IMAGE = re.compile(rf"{_NAME}(?::[\w.-]{{1,128}})?(?:@sha256:[0-9a-f]{{64}})?", re.ASCII)


def _image(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not _IMAGE.fullmatch(value):
        raise click.BadParameter("no image; write HOST/PATH:TAG or HOST/PATH@sha256:DIGEST", ctx, param)
    return value


@click.command("build")
@root_option
@as_of_option
@jobs_option
@cache_option
@stats_option
@click.option("--target", type=click.Choice(["documents", "kubernetes"]), default="documents", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Default: dist/, or dist/kubernetes/.")
@click.option("--to", metavar="STORE", help="kubernetes: the store that the pods' documents come from; needed.")
@click.option(
    "--mount",
    type=click.Choice(["files", "env"]),
    help="kubernetes: how a pod gets its documents. Default: files.",
)
@click.option("--image", metavar="IMAGE", callback=_image, help="kubernetes: the router's. Default: a placeholder.")
@click.option(
    "--allow-unauthenticated",
    is_flag=True,
    default=None,
    help="kubernetes: routers of accounts without keys serve everyone who reaches them.",
)
def command(
    root: Path | None,
    as_of: datetime | None,
    jobs: int,
    target: str,
    out: Path | None,
    stats: bool,
    cached: bool,
    **options: Any,
) -> None:
    """Check, then compile everything into dist/ with refs in place of secrets.

    With --target kubernetes, into the manifests of a router for each account and region instead, which sync their
    documents from the store to which they are pushed.

    The folder is replaced as a whole or not at all. The same YAML gives the same bytes on any machine.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if target == "documents" and given:
        option = next(iter(given)).replace("_", "-")
        raise UsageError(f"--{option} goes with --target kubernetes", "add it, or leave this one out")
    where = find_root(root)
    if target == "kubernetes":
        _kubernetes(compiled_or_exit(where, as_of), out or where / "dist" / "kubernetes", given)
    else:
        with fleet_cache(where, cached=cached, stats=stats) as cache:
            _documents(where, now(as_of), out or where / "dist", jobs, cache)


def _documents(root: Path, as_of: datetime, out: Path, jobs: int, cache: Cache | None) -> None:
    from llmcompile.fleet.building import build

    with progress_bar() as progress:
        fleet, count = build(root, as_of, out.absolute(), progress, jobs=jobs, cache=cache)
    show_problems(root, fleet.diagnostics)
    if fleet.failed:
        sys.exit(PROBLEMS)
    click.echo(f"{count} documents in {out}")


def _kubernetes(result: Compiled, out: Path, given: dict[str, Any]) -> None:
    from llmcompile.emit.kubernetes.render import Settings, write
    from llmcompile.emit.kubernetes.routers import routers

    project = _project(given.pop("to", None), result.linked.project)
    settings = Settings(project, **given)
    every = routers(result.linked)
    count = write(out, every, settings)
    click.echo(f"{count} routers in {out}")
    if not settings.allow_unauthenticated:
        _warn_of_keyless(every)
    if "image" not in given:
        click.echo(f"note: the image is a placeholder, {settings.image}; name yours with --image", err=True)
    click.echo(f"next: kubectl apply -k {out / 'REGION'}", err=True)


def _project(to: str | None, project: Project) -> str:
    """The project whose secrets the pods sync; ``UsageError`` for any other kind of store."""
    from llmcompile.literals import quote
    from llmcompile.push.open import store_uri

    fit = [name for name, uri in project.stores.items() if uri.startswith("gcpsecrets://")]
    hint = f"add --to {' or --to '.join(fit)}" if fit else "add --to gcpsecrets://PROJECT"
    if to is None:
        raise UsageError("--target kubernetes needs the store that the pods' documents come from", hint)
    uri = store_uri(to, project)
    if uri.kind != "gcpsecrets":
        raise UsageError(f"pods cannot sync from {quote(to)}: it is no Google Secret Manager", hint)
    return uri.target


def _warn_of_keyless(routers: Sequence[Router]) -> None:
    """What would end every pod at its start is said before the merge."""
    keyless = sorted({each.account for each in routers if not each.has_keys})
    if keyless:
        several = f" and {len(keyless) - 5} more" if len(keyless) > 5 else ""
        message = f"no keys in {', '.join(keyless[:5])}{several}: their pods end at once, rather than serve everyone"
        click.echo(f"warning: {message}; add keys, or pass --allow-unauthenticated", err=True)
