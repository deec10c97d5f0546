"""The push: carries out a plan, secret by secret, so that any stop leaves every secret readable, whole, old or new.

Everything is permitted before the first write. A run that another one has taken over writes nothing any more, and
takes back what it wrote too late. Decides nothing about the plan: guards do.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

from llmcompile.errors import CommandError, OutsideError, RefusedError
from llmcompile.push import ledger
from llmcompile.push.ledger import LEDGER, Entry
from llmcompile.push.look import Seen
from llmcompile.push.newest import newest
from llmcompile.push.ownership import Record, retire, retired, unretire
from llmcompile.push.plan import Plan
from llmcompile.push.report import Report
from llmcompile.push.steady import Annotate, Steady
from llmcompile.push.store import Held, Version

Done = Callable[[str, int], None]
"""Called with a secret and the version that it got."""
_ROUNDS = 3
"""How often the end is looked at again where others wrote at the same time."""


@dataclass(frozen=True, slots=True)
class Write:
    """One version to add."""

    secret: str
    payload: bytes = field(repr=False)
    document: str
    """The digest of the document with refs."""
    held: Held | None
    before: int
    """The newest version now; 0 where there is none."""


def writes_of(plan: Plan, seen: Iterable[Seen]) -> list[Write]:
    """What a plan adds, in its order."""
    by_secret = {each.secret: each for each in seen}
    found = []
    for change in plan.pending:
        each = by_secret[change.secret]
        assert each.wanted is not None  # noqa: S101 - only what is wanted is written
        held, payload = each.held, each.wanted
        found.append(Write(each.secret, payload.data, payload.document.digest, held, change.old_version or 0))
    return found


@dataclass(slots=True)
class Run:
    """One run over a store."""

    steady: Steady
    report: Report
    last: int
    """The highest number in the ledger when the plan was made."""
    command: str = "push"
    done: Done = lambda secret, version: None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _entry: Entry | None = None

    def write(self, writes: Sequence[Write], leaving: Iterable[Held] = (), check: Iterable[Seen] = ()) -> None:
        """Add all versions, retire what has left, and look at what else was planned (``check``) once more.

        Raises ``RefusedError`` where another run took over, ``OutsideError`` where the store fails; the report says
        how far it came, and running again does what is left.
        """
        leaving, check = list(leaving), list(check)
        returning = [each.held for each in check if each.equal and each.held and retired(each.held)]
        if not (writes or leaving or returning):
            return
        try:
            self._permitted(writes, [*leaving, *returning])
            made = [self._made(each) for each in writes]
            self.report.failed = LEDGER
            self._begin(writes)
            for each in made:
                self.report.failed = each.secret
                self.report.done[each.secret] = self._write(each)
                self.done(each.secret, self.report.done[each.secret])
            for held in leaving:
                self._annotate(held, lambda annotations: retire(annotations, self.report.revision))
                self.report.retired.append(held.secret)
            for held in returning:
                self._annotate(held, unretire)
            self.report.failed = ""
            self._settled(made, check)
        except BaseException as error:  # interrupted, too: the report is about any stop
            self.report.message = str(error) if isinstance(error, CommandError) else type(error).__name__
            raise

    def _permitted(self, writes: Iterable[Write], annotated: Iterable[Held]) -> None:
        """Everything that will be written is allowed, or nothing is written."""
        store = self.steady.store
        asked = {each.secret: each.held is not None for each in writes} | {each.secret: True for each in annotated}
        asked[LEDGER] = self.last > 0 or store.held(LEDGER) is not None
        lacking = [
            f"  {name}: {', '.join(found)}" for name, e in asked.items() if (found := store.lacking(name, exists=e))
        ]
        if lacking:
            message = "\n".join(["rights are missing; nothing was written", *lacking])
            raise OutsideError(message, "grant them, then run it again; docs/setup.md lists the roles")

    def _made(self, write: Write) -> Write:
        """The write with its secret, made where there was none."""
        if write.held is not None:
            return write
        self.report.failed = write.secret
        return replace(write, held=self.steady.make(write.secret, self._record(write).onto({})))

    def _begin(self, writes: Sequence[Write]) -> None:
        entry = Entry(
            after=self.last,
            run=secrets.token_hex(8),
            command=self.command,
            revision=self.report.revision,
            plan=self.report.plan.digest,
            started=self.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            writes={each.secret: each.before + 1 for each in writes},
            count=len(writes),
        )
        self._entry = ledger.begin(self.steady, entry)
        self.report.run = self._entry.number

    def _record(self, write: Write) -> Record:
        return Record(write.before + 1, write.document, self.report.revision, self.report.plan.digest)

    def _write(self, write: Write) -> int:
        """Claim, add, read back; the version's number.

        Whoever took over meanwhile is noticed by the claim where they have claimed it too, else once it is written, at
        the cost of one read: what came too late is taken back then. A look before would leave a gap all the same.
        """
        assert write.held is not None  # noqa: S101 - all were made
        held, record = write.held, self._record(write)
        if Record.of(held) != record:
            held = self.steady.note(held, record.onto, self._still_ours)
        number = self.steady.add(write.secret, write.payload, record.version)
        back = self.steady.store.read(write.secret, number)
        if back is None or back.payload != write.payload:
            raise OutsideError(f"version {number} of {write.secret} does not read back as it was written")
        if by := self._successor():
            self._taken_back(write, number, by)
            raise _taken_over(by)
        if number != record.version:  # someone else added one in between; it lies below ours
            self.steady.note(held, replace(record, version=number).onto)
        return number

    def _annotate(self, held: Held, annotate: Annotate) -> None:
        """Say that a secret's account or region has left, or that it is back."""
        self.report.failed = held.secret
        self._still_ours()
        noted = self.steady.note(held, annotate, self._still_ours)
        if by := self._successor():  # it may know better
            self.steady.note(noted, lambda annotations: held.annotations, self._still_ours)
            raise _taken_over(by)

    def _successor(self) -> Entry | None:
        assert self._entry is not None  # noqa: S101 - begun before the first write
        return ledger.successor(self.steady.store, self._entry)

    def _still_ours(self) -> None:
        if by := self._successor():
            raise _taken_over(by)

    def _taken_back(self, write: Write, number: int, by: Entry) -> None:
        try:
            self._take_back(write, number)
        except OutsideError as error:
            message = f"{_taken_over(by)}; version {number} of {write.secret} came too late and is still there: {error}"
            raise OutsideError(message, "look at drift, then push what is newest") from error

    def _take_back(self, write: Write, number: int) -> None:
        """Bring back what others wrote last, where ours came too late and is the newest."""
        store, mine, theirs = self.steady.store, {number}, write.before
        while True:
            held = store.held(write.secret) or write.held
            top = newest(store, write.secret, held)
            assert held is not None and top is not None  # noqa: S101, PT018 - ours at least
            for each in range(theirs + 1, top.number + 1):
                theirs = theirs if each in mine else each
            wanted = self._of_last_run(held, mine) or (store.read(write.secret, theirs) if theirs else None)
            if top.number not in mine or wanted is None or wanted.payload is None:
                return
            if wanted.payload == top.payload:
                self.steady.note(held, partial(self._recorded, write, top.number))
                return
            mine.add(self.steady.add(write.secret, wanted.payload, top.number + 1))

    def _of_last_run(self, held: Held, mine: Container[int]) -> Version | None:
        """What the last of all runs wrote, where that is known.

        Of several that were taken over, each may have come too late: what is not ours may be theirs.
        """
        last, record = ledger.last(self.steady.store)[1], Record.of(held)
        if last is None or record is None or record.plan != last.plan or record.version in mine:
            return None
        return self.steady.store.read(held.secret, record.version)

    def _recorded(self, write: Write, number: int, annotations: Mapping[str, str]) -> Mapping[str, str]:
        """The annotations once our version was taken back: what they said before we claimed it, or what others say."""
        record = Record.of_annotations(annotations)
        if record == self._record(write) and write.held:
            record = Record.of(write.held)
        return replace(record, version=number).onto(annotations) if record else annotations

    def _settled(self, writes: Sequence[Write], check: Iterable[Seen]) -> None:
        """Whoever came in between, what the plan says is the newest in the end."""
        expected = {each.secret: (each, self.report.done[each.secret]) for each in writes}
        for seen in check:
            if seen.equal and seen.secret not in expected and seen.wanted and seen.newest:
                data, document = seen.wanted.data, seen.wanted.document.digest
                expected[seen.secret] = Write(seen.secret, data, document, seen.held, 0), seen.newest.number
        for _ in range(_ROUNDS):
            moved = [each for each in expected.values() if self.steady.store.read(each[0].secret, each[1] + 1)]
            if not moved:
                return
            for write, _number in moved:
                self._still_ours()
                held = self.steady.store.held(write.secret)
                top = newest(self.steady.store, write.secret, held)
                assert top is not None  # noqa: S101 - it has at least two versions
                again = replace(write, held=held, before=top.number)
                number = top.number if top.payload == write.payload else self._write(again)
                expected[write.secret] = write, number
                if write.secret in self.report.done:
                    self.report.done[write.secret] = number
        raise OutsideError("others go on writing the same secrets", "find out who, then run it again")


def _taken_over(by: Entry) -> RefusedError:
    what = f"{by.command} of {by.revision[:12] or 'no commit'}, run {by.number}"
    return RefusedError(f"another run took over: {what}", "it brings the store to what it was given; look at drift")
