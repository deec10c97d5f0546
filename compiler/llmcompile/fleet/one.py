"""What is left of an account once it was compiled: what the fleet must know of it, and where its documents are."""

from __future__ import annotations

from dataclasses import dataclass

from llmcompile.check.facts import Facts
from llmcompile.diagnostics import Diagnostic
from llmcompile.emit.dist import Entry
from llmcompile.fleet import codec
from llmcompile.fleet.looking import Findings
from llmcompile.link.access import Grant


@dataclass(frozen=True, slots=True)
class One:
    """An account that was compiled."""

    file: str
    digest: str
    """SHA-256 of the file's text, of which all else follows."""
    facts: Facts | None
    """None where the file could not be loaded."""
    findings: Findings
    """What the proofs found: those that were asked for, and the gates where the account demands something."""
    diagnostics: tuple[Diagnostic, ...]
    entries: tuple[Entry, ...]
    """The manifest's; none where there are errors."""

    plain: codec.Plain = None
    """What it was made of, where it was read as plain data."""

    def out(self) -> codec.Plain:
        """As plain data."""
        return self.plain or (
            self.file,
            self.digest,
            _facts_out(self.facts) if self.facts else None,
            dict(self.findings),
            tuple(map(codec.diagnostic_out, self.diagnostics)),
            tuple(map(tuple, self.entries)),
        )

    @classmethod
    def back(cls, data: codec.Plain) -> One:
        """The account that was written."""
        file, digest, facts, findings, said, entries = data
        known = _facts_in(facts) if facts else None
        listed = tuple(map(Entry._make, entries))
        return cls(file, digest, known, findings, tuple(map(codec.diagnostic_in, said)), listed, data)


def _facts_out(facts: Facts) -> codec.Plain:
    return (
        facts.id,
        facts.file,
        facts.former,
        facts.tiers,
        facts.groups,
        (facts.grant.groups, facts.grant.names),
        facts.platform,
        facts.served,
        tuple([(codec.instant_out(at), codec.diagnostic_out(said)) for at, said in facts.ends]),
    )


def _facts_in(data: codec.Plain) -> Facts:
    name, file, former, tiers, groups, grant, platform, served, ends = data
    return Facts(
        name,
        file,
        former,
        tiers,
        groups,
        Grant(*grant),
        platform,
        served,
        tuple([(codec.instant_in(at), codec.diagnostic_in(said)) for at, said in ends]),
    )
