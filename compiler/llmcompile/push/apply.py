"""The push: adds what the plan says, one secret after the other, and says how far it came."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from llmcompile.errors import OutsideError
from llmcompile.push.plan import Change, Plan
from llmcompile.push.resolve import Payload
from llmcompile.push.store import Store


def apply(plan: Plan, payloads: Iterable[Payload], store: Store, done: Callable[[Change, int], None]) -> int:
    """Write the plan's pending changes; the number of versions added.

    ``done`` is called with each change and the version that it became. Raises ``OutsideError`` that says how many
    were written; a secret is whole at any moment, old or new, and running again writes the rest.
    """
    by_secret = {each.document.secret: each.data for each in payloads}
    for written, change in enumerate(plan.pending):
        try:
            done(change, store.add(change.secret, by_secret[change.secret]))
        except OutsideError as error:
            total = len(plan.pending)
            message = f"{error}\n{written} of {total} changes were written, {change.secret} was the next"
            raise OutsideError(message, "run it again: it writes what is left") from error
    return len(plan.pending)
