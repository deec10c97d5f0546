"""Prices as options: one for each unit, read exactly as they are written in YAML."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
# The units of inputs.model, which is not imported for --help; a test holds them together.
UNITS = ("text_input", "cached_text_input", "text_output", "audio_input", "cached_audio_input", "audio_output")


class NumberType(click.ParamType["int | Decimal"]):
    """A number, kept as it is written."""

    name = "NUMBER"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | Decimal:
        """The number that YAML would read, or click's usage error."""
        from llmcompile.load.source import Source
        from llmcompile.load.strict_yaml import load

        number, problems = load(Source("", str(value)))
        if problems or isinstance(number, bool) or not isinstance(number, int | Decimal):
            self.fail(f"{value!r} is not a plain number such as 2.50", param, ctx)
        return number


def price_options(command: F) -> F:
    """--text-input and the others."""
    for unit in reversed(UNITS):
        words = unit.replace("_", " ")
        command = click.option(
            f"--{unit.replace('_', '-')}", unit, type=NumberType(), metavar="PRICE", help=f"{words} per million tokens"
        )(command)
    return command


def of_options(options: dict[str, Any]) -> dict[str, int | Decimal]:
    """The prices that were given, by unit."""
    return {unit: options[unit] for unit in UNITS if options[unit] is not None}
