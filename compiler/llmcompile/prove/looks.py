"""Looks at accounts for several proofs at once."""

from __future__ import annotations

from collections.abc import Iterable

from llmcompile.emit.documents import Made
from llmcompile.link.catalogue import Account
from llmcompile.prove.fleet import Ground, Surveyor
from llmcompile.prove.outcome import Finding, Proof


class Looks:
    """Proofs that have begun to look at the accounts of one process."""

    def __init__(self, ground: Ground, asked: Iterable[Proof], gates: Iterable[Proof]) -> None:
        self._surveyor = Surveyor(ground)
        self._asked = {each.name: each.look(ground) for each in asked}
        self._gates = {each.name: each.look(ground) for each in gates if each.name not in self._asked}

    def at(self, account: Account, made: tuple[Made, ...], demanding: bool) -> dict[str, Finding]:
        """What the proofs find that were asked for, by their names, and the gates at ``demanding`` accounts."""
        subject = self._surveyor.subject(account, made)
        found = {name: look(subject) for name, look in self._asked.items()}
        return found | {name: look(subject) for name, look in self._gates.items()} if demanding else found
