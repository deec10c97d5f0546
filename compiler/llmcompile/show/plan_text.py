"""A plan as text: what it means, losses first, then the secrets; what matters most ends up above the prompt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from llmcompile.diff.impact import Impact
from llmcompile.push.guards import Refusal
from llmcompile.push.meaning import Fact, Severity
from llmcompile.push.plan import Action, Change, Plan
from llmcompile.show.diff_words import reach
from llmcompile.show.plan_words import headline, listed, number_of, printable, touched, versions, whose

_MOST = 8
"""Names of owners shown with a fact; ``--format json`` has all of them."""
_FACTS: dict[Severity, tuple[str, str]] = {"loss": ("-", "red"), "change": ("~", "yellow"), "gain": ("+", "green")}
_SECRETS: dict[Action, tuple[str, str]] = {
    "create": ("+", "green"),
    "change": ("~", "yellow"),
    "orphan": ("-", "red"),
    "foreign": ("!", "red"),
}


def render_text(plan: Plan, refusals: Sequence[Refusal] = (), impact: Impact | None = None) -> str:
    """The plan for people. Styled; the caller strips styles where there is no terminal."""
    blocks = (
        [fact(each) for each in plan.facts],
        [_secret(each) for each in listed(plan)],
        [line for each in refusals for line in _refusal(each)],
        list(_summary(plan, impact)),
    )
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _signed(sign: tuple[str, str], text: str) -> str:
    return f"{click.style(sign[0], fg=sign[1])} {text}"


def fact(one: Fact) -> str:
    """A fact in one line."""
    who = whose(one.owners, [printable(each.id) for each in one.owners], _MOST)
    return _signed(_FACTS[one.severity], f"{click.style(who, bold=True)}: {one.text}")


def _secret(change: Change) -> str:
    reason = f", {printable(change.reason)}" if change.reason else ""
    return _signed(_SECRETS[change.action], f"{printable(change.secret)}: {versions(change)}{reason}")


def _refusal(refusal: Refusal) -> Iterator[str]:
    head = click.style(f"a push refuses this[{refusal.code}]", fg="red", bold=True)
    yield f"{head}: {printable(refusal.message)}"
    if refusal.next_step:
        yield f"  {printable(refusal.next_step)}"
    if refusal.confirmation:
        yield f"  to confirm just this: {printable(refusal.confirmation)}"


def _summary(plan: Plan, impact: Impact | None) -> Iterator[str]:
    yield click.style(f"{printable(plan.store)}: {headline(plan)}", bold=True)
    owners = touched(plan)
    if owners:
        yield f"touches {number_of(owners)}"
    if impact is not None:
        yield reach(impact)
    yield f"digest {plan.digest}"
