"""``llmcompile models list``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import get_args

import click

from llmcompile.cli.options import as_of_option, compiled_or_exit, find_root, now, root_option


@click.group("models")
def command() -> None:
    """Show the catalogue."""


def _types() -> tuple[str, ...]:
    from llmcompile.inputs.model import ModelType

    return get_args(ModelType)


class _ModelType(click.ParamType[str]):
    name = "TYPE"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return click.Choice(_types()).convert(value, param, ctx)


@command.command("list")
@root_option
@as_of_option
@click.option("--type", "kind", type=_ModelType(), metavar="TYPE", help="Only models of this type, such as chat.")
@click.option("--realtime", is_flag=True, help="Only models that are called over the WebSocket.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_models(root: Path | None, as_of: datetime | None, kind: str | None, realtime: bool, form: str) -> None:
    """List the models with the prices that hold today, or at --as-of."""
    catalogue = compiled_or_exit(find_root(root), as_of).linked

    from llmcompile.show import models

    chosen = [
        model
        for model in catalogue.models.values()
        if (kind is None or model.input.type == kind) and (model.realtime or not realtime)
    ]
    instant = now(as_of)
    click.echo(models.render_json(chosen, instant) if form == "json" else models.render_text(chosen, instant))
