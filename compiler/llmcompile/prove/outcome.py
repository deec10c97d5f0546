"""What a proof is, and what it comes to.

A proof covers every combination that there is. It says how many, and gives counter-examples as diagnostics; what a
check says already, it counts and does not say again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from llmcompile.diagnostics import Diagnostic, Severity
from llmcompile.prove.fleet import Fleet


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a proof found."""

    covered: int
    unit: str
    """What was counted, in the plural."""
    counter_examples: tuple[Diagnostic, ...] = ()
    says: str = ""
    """The result in words; empty: that it holds for what was covered."""
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proof:
    """A claim about the whole fleet."""

    name: str
    claim: str
    codes: tuple[str, ...]
    """Checks that decide a part of it; what they found breaks it."""
    prove: Callable[[Fleet], Outcome]


@dataclass(frozen=True, slots=True)
class Proven:
    """A proof that was tried."""

    proof: Proof
    outcome: Outcome | None
    """None where errors come first."""
    broken: Counter[str]
    """How often each of the proof's codes was found."""

    @property
    def counter_examples(self) -> tuple[Diagnostic, ...]:
        """What it found itself."""
        return self.outcome.counter_examples if self.outcome else ()

    @property
    def state(self) -> Literal["holds", "fails", "not proven"]:
        """What it came to."""
        if self.broken:
            return "fails"
        return "holds" if self.outcome is not None else "not proven"


def tried(proof: Proof, fleet: Fleet | None, found: Iterable[Diagnostic]) -> Proven:
    """Try a proof; ``found`` is what the checks say, and without a fleet there is nothing more to look at."""
    outcome = proof.prove(fleet) if fleet is not None else None
    said = [*found, *(outcome.counter_examples if outcome else ())]
    broken = Counter(each.code for each in said if each.code in proof.codes and each.severity is not Severity.NOTE)
    return Proven(proof, outcome, broken)
