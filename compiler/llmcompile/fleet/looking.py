"""Looks at each account for the proofs: those that were asked for, and the gates where the YAML demands something.

With the proofs comes the router's half, which most checks do without: it is loaded where the first account needs it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from llmcompile.diagnostics import Diagnostic, has_errors
from llmcompile.emit.documents import Made
from llmcompile.fleet.codec import Plain
from llmcompile.link.catalogue import Account, Catalogue

if TYPE_CHECKING:
    from llmcompile.prove.fleet import Ground
    from llmcompile.prove.looks import Looks
    from llmcompile.prove.outcome import Proof, Proven

Findings = Mapping[str, Plain]
"""What the proofs found at an account, by their names; empty where none had to look."""


@dataclass(slots=True)
class Looking:
    """The proofs of one fleet. A fork has one of its own, which remembers what it has seen."""

    catalogue: Catalogue
    as_of: datetime
    made: tuple[Made, ...]
    """The regions' documents; empty where there are errors."""
    asked: Sequence[Proof] = ()
    _looks: Looks | None = field(default=None, init=False)

    def at(self, account: Account, made: tuple[Made, ...]) -> Findings:
        """What there is to find at an account; without documents there is nothing."""
        demanding = self.catalogue.demands_proof(account)
        if not (made and (self.asked or demanding)):
            return {}
        if self._looks is None:
            from llmcompile.prove import GATES
            from llmcompile.prove.looks import Looks

            self._looks = Looks(self._ground, self.asked, GATES)
        return self._looks.at(account, made, demanding)

    def tell(self, findings: Sequence[Findings], found: list[Diagnostic]) -> tuple[Proven, ...]:
        """The proofs that were asked for, by the findings of all accounts in their order.

        Adds the counter-examples, those of the gates too, to what was ``found``; after an error, nothing is proven.
        """
        looked = [] if has_errors(found) else [each for each in findings if each]
        if not (self.asked or looked):
            return ()
        from llmcompile.prove import GATES
        from llmcompile.prove.outcome import tried

        said, proven, failed = list(found), [], has_errors(found)
        for each in self.asked:
            outcome = None if failed else each.tell(self._ground, [one[each.name] for one in looked])
            proven.append(tried(each, outcome, said))
            found += proven[-1].counter_examples
        for each in GATES if looked else ():
            if each not in self.asked:
                demanding = [one[each.name] for one in looked if each.name in one]
                found += each.tell(self._ground, demanding).counter_examples
        return tuple(proven)

    @property
    def _ground(self) -> Ground:
        from llmcompile.prove.fleet import Ground

        return Ground(self.catalogue, self.as_of, self.made)
