"""The claim: our label and record on secrets that hold exactly what the YAML says, so that a push goes on from there.

Adds no version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from llmcompile.adopt.prove import Proof
from llmcompile.errors import OutsideError
from llmcompile.push.ownership import Record, is_ours
from llmcompile.push.steady import Steady


def claim(
    proofs: Sequence[Proof], steady: Steady, revision: str, done: Callable[[Proof], None] = lambda proof: None
) -> list[Proof]:
    """Claim what is not ours yet; those claimed. Every right is asked for before the first write.

    Raises ``OutsideError`` where one is missing or the store fails; running again does what is left.
    """
    foreign = [each for each in proofs if not is_ours(each.existing.held)]
    _permitted(foreign, steady)
    for each in foreign:
        document = each.payload.document.digest
        steady.note(each.existing.held, Record(each.existing.number, document, revision, "").onto)
        done(each)
    return foreign


def _permitted(proofs: Iterable[Proof], steady: Steady) -> None:
    secrets = [each.existing.subject.secret for each in proofs]
    lacking = {each: found for each in secrets if (found := steady.store.lacking(each, exists=True))}
    if lacking:
        lines = [f"  {secret}: {', '.join(found)}" for secret, found in lacking.items()]
        message = "\n".join(["rights are missing; nothing was written", *lines])
        raise OutsideError(message, "grant them, then run it again; docs/setup.md lists the roles")
