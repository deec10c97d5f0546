"""Takes turns between pushers that run at the same time, call by call, in an order that a seed decides.

Every call of theirs waits as it reaches the server, until it is chosen; the next is chosen when each pusher waits at a
call or has ended. What a call does to the store happens at once, so these orders are all that can happen.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from random import Random

from llmcompile_secretmanager_emulator import Call, Emulator, Fault

Choose = Callable[[Sequence[str], int], str]
"""Of the callers that wait, which goes on, given how many calls were let through."""
SECONDS = 60.0


class Turns:
    """Between the callers of a server."""

    def __init__(self, server: Emulator, choose: Choose) -> None:
        self.order: list[str] = []
        self._server, self._choose = server, choose
        self._live: set[str] = set()
        self._waiting: set[str] = set()
        self._go = ""
        self._changed = threading.Condition()

    def run(self, pushers: Mapping[str, Callable[[], object]]) -> dict[str, object]:
        """Run all, each by its caller's name; what each returned or raised."""
        ended: dict[str, object] = {}

        def one(name: str) -> None:
            try:
                ended[name] = pushers[name]()
            except Exception as error:
                ended[name] = error
            with self._changed:
                self._live.discard(name)
                self._next()

        self._live = set(pushers)
        self._server.faults.add(Fault("none", run=self._arrived))
        threads = [threading.Thread(target=one, args=(name,)) for name in pushers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS)
        self._server.faults.clear()
        return ended

    def _arrived(self, call: Call) -> None:
        with self._changed:
            if call.caller not in self._live:
                return
            self._waiting.add(call.caller)
            self._next()
            assert self._changed.wait_for(lambda: self._go == call.caller, SECONDS)
            self._go = ""

    def _next(self) -> None:
        if self._live and self._live == self._waiting:
            self._go = self._choose(sorted(self._waiting), len(self.order))
            self._waiting.discard(self._go)
            self.order.append(self._go)
            self._changed.notify_all()


def by_seed(seed: int) -> Choose:
    """By turns: any call next, or long stretches of one pusher with a few switches, wherever they fall.

    A pusher that is held up between two calls while the other one runs to its end is one of the latter.
    """
    chance = Random(seed)
    if seed % 3 == 0:
        return lambda waiting, step: chance.choice(waiting)
    switches = sorted(chance.sample(range(140), chance.randint(1, 4)))
    first = chance.randrange(2)
    return lambda waiting, step: waiting[(first + sum(each <= step for each in switches)) % len(waiting)]


def held_up(caller: str, calls: int) -> Choose:
    """The caller makes so many calls, then all others run to their end, then it goes on."""
    made = 0

    def choose(waiting: Sequence[str], step: int) -> str:
        nonlocal made
        others = [each for each in waiting if each != caller]
        if caller in waiting and (made < calls or not others):
            made += 1
            return caller
        return others[0]

    return choose
