"""The figures of a run: a table by kind, the shares, and every miss with what was printed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from tests.mutate.edits import KINDS
from tests.mutate.judge import Judgement

CAUGHT, RIGHT_TOKEN, RIGHT_SUGGESTION = 1.0, 0.98, 0.95
"""What is held, of the mutations that matter."""
_COLUMNS = "| places | harmless | a choice | harmful | error | warning | at the token | or named | suggested |"


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of some mutations. Shares are of those that are harmful."""

    places: int
    harmless: int
    choices: int
    choices_seen: int
    """Choices that draw a diagnostic all the same."""
    refused: int
    """Harmless ones that are refused all the same."""
    harmful: int
    errors: int
    warnings: int
    proofs: int
    right_token: int
    named: int
    answerable: int
    """Harmful ones with one right answer."""
    suggested: int

    @classmethod
    def of(cls, judged: Iterable[Judgement]) -> Figures:
        """The figures of these."""
        every = list(judged)
        harmful = [each for each in every if each.harmful]
        answerable = [each for each in harmful if each.edit.meant]
        choices = [each for each in every if each.matters and each.edit.choice]
        harmless = [each for each in every if not each.matters]
        return cls(
            places=len(every),
            harmless=len(harmless),
            refused=_count(harmless, lambda each: bool(each.caught)),
            choices=len(choices),
            choices_seen=_count(choices, lambda each: bool(each.caught)),
            harmful=len(harmful),
            errors=_count(harmful, lambda each: each.caught == "error"),
            warnings=_count(harmful, lambda each: each.caught == "warning"),
            proofs=_count(harmful, lambda each: each.caught == "proof"),
            right_token=_count(harmful, lambda each: each.right_token),
            named=_count(harmful, lambda each: each.named),
            answerable=len(answerable),
            suggested=_count(answerable, lambda each: each.suggested),
        )

    @property
    def caught(self) -> int:
        """Harmful ones that draw an error or a warning."""
        return self.errors + self.warnings + self.proofs

    @property
    def hold(self) -> bool:
        """Whether all goals are reached."""
        shares = (self.caught, CAUGHT), (self.named, RIGHT_TOKEN)
        reached = all(count >= goal * self.harmful for count, goal in shares)
        return reached and self.suggested >= RIGHT_SUGGESTION * self.answerable


def _count(judged: Iterable[Judgement], holds: Callable[[Judgement], bool]) -> int:
    return sum(map(holds, judged))


def misses(judged: Iterable[Judgement]) -> list[Judgement]:
    """Harmful mutations that were not caught, or not at the token, or without the right suggestion."""
    return [each for each in judged if each.harmful and not (each.caught and each.named and each.suggested)]


def render(judged: Sequence[Judgement], *, choices: bool = False) -> str:
    """All of it, as Markdown with the misses behind it."""
    parts = [
        table(judged),
        by_family(judged),
        summary(Figures.of(judged)),
        over_kinds(judged),
        *map(_miss, misses(judged)),
    ]
    if choices:
        parts += [
            f"{each.kind}: {each.where}: {each.edit.choice}" for each in judged if each.matters and each.edit.choice
        ]
    return "\n\n".join(parts)


def table(judged: Sequence[Judgement]) -> str:
    """A row for each kind, and one for all."""
    lines = [
        f"| kind {_COLUMNS}",
        "|---" * _COLUMNS.count("|") + "|",
    ]
    for name, group in groupby(judged, key=lambda each: each.kind):
        lines.append(_row(KINDS[name].name, Figures.of(group)))
    return "\n".join([*lines, _row("**all**", Figures.of(judged))])


def by_family(judged: Iterable[Judgement]) -> str:
    """A row for each family of kinds, as docs/benchmarks.md has them."""
    lines = [
        f"| family | kinds {_COLUMNS}",
        "|---" * (_COLUMNS.count("|") + 1) + "|",
    ]
    every = sorted(judged, key=lambda each: KINDS[each.kind].family)
    for family, group in groupby(every, key=lambda each: KINDS[each.kind].family):
        kinds = sum(each.family == family for each in KINDS.values())
        lines.append(_row(f"{family} | {kinds}", Figures.of(group)))
    return "\n".join([*lines, _row(f"**all** | {len(KINDS)}", Figures.of(every))])


def _row(name: str, count: Figures) -> str:
    suggested = f"{count.suggested}/{count.answerable}" if count.answerable else ""
    cells = (count.places, count.harmless, count.choices, count.harmful, count.errors, count.warnings + count.proofs)
    return f"| {name} | {' | '.join(map(str, cells))} | {count.right_token} | {count.named} | {suggested} |"


def summary(count: Figures) -> str:
    """The shares in words."""
    kinds = len(KINDS)
    return (
        f"{kinds} kinds at {count.places:,} places: {count.harmful:,} harmful, {count.harmless:,} harmless"
        f" ({count.refused:,} refused all the same), {count.choices:,} a choice ({count.choices_seen:,} seen).\n"
        f"caught: {_share(count.caught, count.harmful)} ({count.errors:,} by an error, {count.warnings:,} by a warning,"
        f" {count.proofs:,} by --proofs alone)\n"
        f"right token: {_share(count.named, count.harmful)}"
        f" ({_share(count.right_token, count.harmful)} by the diagnostic's own place, the rest by one that it names)\n"
        f"right suggestion: {_share(count.suggested, count.answerable)} of those with one right answer"
    )


def over_kinds(judged: Iterable[Judgement]) -> str:
    """The same shares as the mean over kinds: one with many places weighs no more than one with a few."""
    every = [Figures.of(group) for _, group in groupby(judged, key=lambda each: each.kind)]
    pairs = (
        ("caught", [(each.caught, each.harmful) for each in every]),
        ("right token", [(each.named, each.harmful) for each in every]),
        ("right suggestion", [(each.suggested, each.answerable) for each in every]),
    )
    shares = {name: [count / of for count, of in counts if of] for name, counts in pairs}
    words = [f"{name} {sum(each) / max(1, len(each)):.1%}" for name, each in shares.items()]
    return f"mean over kinds: {', '.join(words)}"


def _share(count: int, of: int) -> str:
    """A share, rounded down: 100% is all of them."""
    return f"{count * 1000 // of / 10 if of else 100:.1f}% ({count:,} of {of:,})"


def _miss(each: Judgement) -> str:
    lacks = "not caught" if not each.caught else "not at the token" if not each.named else "no right suggestion"
    wanted = f", meant {' or '.join(each.edit.meant)}" if each.edit.meant else ""
    printed = "\n".join(f"    {line}" for line in each.printed.splitlines()) or "    (nothing)"
    return f"{lacks}: {each.kind} at {each.where}{wanted}\n{printed}"
