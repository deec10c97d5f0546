"""What the proofs came to: a line each for people, an object each for machines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from llmcompile.literals import mask

if TYPE_CHECKING:
    from llmcompile.prove.outcome import Proven


def render_text(proofs: Iterable[Proven]) -> str:
    """A line for each proof, with details below it."""
    return "\n".join(line for each in proofs for line in _lines(each))


def _lines(proven: Proven) -> list[str]:
    details = proven.outcome.details if proven.outcome else ()
    return [f"{proven.proof.name}: {_sentence(proven)}", *(f"  {mask(each)}" for each in details)]


def _sentence(proven: Proven) -> str:
    outcome = proven.outcome
    if outcome is None:
        return f"fails: {_broken(proven)}" if proven.broken else "not proven: errors come first"
    covered = f"{outcome.covered:,} {outcome.unit}"
    if proven.broken:
        return f"fails: {_broken(proven)}; {outcome.says or f'{covered} looked at'}"
    return outcome.says or f"holds for {covered}"


def _broken(proven: Proven) -> str:
    return ", ".join(f"{code} ({count:,})" for code, count in sorted(proven.broken.items()))


def objects(proofs: Iterable[Proven]) -> list[dict[str, Any]]:
    """The same as plain data: part of the JSON of ``check``."""
    return [_object(each) for each in proofs]


def _object(proven: Proven) -> dict[str, Any]:
    outcome = proven.outcome
    return {
        "proof": proven.proof.name,
        "claim": proven.proof.claim,
        "state": proven.state,
        "covered": outcome.covered if outcome else None,
        "unit": outcome.unit if outcome else None,
        "broken_by": dict(sorted(proven.broken.items())),
        "says": mask(_sentence(proven)),
        "details": [mask(each) for each in outcome.details] if outcome else [],
    }
