"""The folder that a build fills: empty at first, or with what an earlier build left, of which the same stays as it is.

No file is ever written to: others may hold it by a link. One that differs is made anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from llmcompile.emit import dist
from llmcompile.emit.dist import Entry
from llmcompile.fleet.written import EMPTY, Written, print_of

if TYPE_CHECKING:
    from llmcompile.emit.documents import Made


@dataclass(frozen=True)
class Folder:
    """A folder on its way to hold all documents and nothing else."""

    path: Path
    look: Callable[[], Written] = Written
    """What lies in it from the start: the prints of everything, the digests of documents that lie there as written."""
    old: Path | None = None
    """The folder that it is to replace."""
    recall: Callable[[], Written] = Written
    """What was written to the old folder, be it still there or not."""

    @cached_property
    def there(self) -> Written:
        """What lay in it from the start, and the digests of what this process has written since."""
        return self.look()

    @cached_property
    def before(self) -> Written:
        """What was written to the old folder."""
        return self.recall()

    def holds(self, entry: Entry) -> bool:
        """Whether the document lies in it."""
        return self.there.digests.get(entry.path) == entry.digest

    def takes(self, entry: Entry) -> bool:
        """Whether it has the document, or links it from the old folder, where it still lies as it was written."""
        if self.holds(entry):
            return True
        if self.before.digests.get(entry.path) != entry.digest:
            return False
        source = f"{self.old}/{entry.path}"
        try:
            if print_of(os.lstat(source)) != self.before.prints.get(entry.path):
                return False
            _link(source, f"{self.path}/{entry.path}")
        except OSError:
            return False
        return True

    def put(self, made: Iterable[Made], entries: Iterable[Entry]) -> None:
        """Write those of the documents that it does not hold."""
        for each, entry in zip(made, entries, strict=True):
            if not self.holds(entry):
                dist.put(self.path, each)
                self.there.prints.pop(entry.path, None)
                self.there.digests[entry.path] = entry.digest

    def sweep(self, entries: Iterable[Entry]) -> None:
        """Remove what lay in it from the start and is none of these, once these are in it."""
        for path in self.there.prints.keys() - {each.path for each in entries}:
            parent = os.path.dirname(path)
            if self.there.prints[path] != EMPTY:
                os.unlink(f"{self.path}/{path}")
            if parent:
                with suppress(OSError):  # there is more in it
                    os.removedirs(f"{self.path}/{parent}")

    def written(self, where: Path, entries: Iterable[Entry]) -> Written:
        """What is in it once it is whole, found at another place by now."""
        digests = {each.path: each.digest for each in entries}
        there = self.there
        same = (path for path, each in digests.items() if there.digests.get(path) == each)
        kept = {path: there.prints[path] for path in same if path in there.prints}
        made = {
            path: print_of(os.lstat(f"{where}/{path}")) for path in (*(digests.keys() - kept.keys()), dist.MANIFEST)
        }
        return Written(kept | made, digests)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:  # the first of its folder
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.link(source, target)
    except FileExistsError:
        os.unlink(target)
        os.link(source, target)
