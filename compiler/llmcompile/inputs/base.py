"""The input models' common ground: strictness, and how a validator names a problem.

A validator sees one file alone; what needs the fleet is a check.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError


class Input(BaseModel):
    """A mapping that people write: unknown keys are errors, nothing is coerced, nothing changes later.

    What a field's docstring says is read for the editors' schemas alone (``emit.input_schemas``): reading it here, as
    pydantic can, would be a seventh of the time in which every command starts.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        hide_input_in_errors=True,
        defer_build=True,  # once for each kind of file, when the first is read, not for each mapping inside of it too
    )


def problem(code: str, message: str, hint: str = "", **where: Any) -> PydanticCustomError:
    """An error that becomes a diagnostic of this code.

    ``where`` may hold ``below`` (a route below the value), ``at`` ("key"), ``first`` (a route below the
    value, with ``first_label``) for the related place, and ``fix`` (the value that was meant for certain, or None).
    """
    return PydanticCustomError(code, "{message}", {"message": message, "hint": hint, **where})
