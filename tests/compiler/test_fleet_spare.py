"""The folder of the build before the last becomes the next one: whole, whatever was done to it meanwhile."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.compiler.repo import FILES, run_cli, write_repo

from llmcompile.errors import OutsideError
from llmcompile.fleet.building import build
from llmcompile.fleet.cache import Cache
from llmcompile.fleet.meanwhile import meanwhile

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux exchanges two folders in one step")


class Fleet:
    """Some accounts, built with a cache of their own and a spare from the first document on."""

    def __init__(self, home: Path) -> None:
        accounts = {f"accounts/a{n}.yaml": self.account(f"a{n}", "one") for n in range(4)}
        self.root = write_repo(home / "repo", {**accounts, "accounts/acme.yaml": None})
        self.out, self.known, self.cold = home / "dist", home / "known", home / "cold"

    @staticmethod
    def account(name: str, host: str) -> str:
        own = f"provider: azure, base_url: 'https://{host}.example/', api_key: ref+env://A, supported_models: [gpt-4o]"
        return f"account: {name}\nregion: europe-west6\nendpoints: {{own: {{{own}}}}}\n"

    def edit(self, name: str, host: str) -> None:
        (self.root / f"accounts/{name}.yaml").write_text(self.account(name, host))

    def build(self, cache: Cache | None = None) -> str:
        """Build; what the cache said of it."""
        cache = cache or Cache.of(self.root, self.known)
        assert cache
        build(self.root, AS_OF, self.out, jobs=1, cache=cache, spares_from=0)
        cache.save()
        return "; ".join(cache.said)

    def is_right(self) -> bool:
        """Whether there is what a build without a cache writes, and nothing else."""
        build(self.root, AS_OF, self.cold, jobs=1)
        return tree(self.out) == tree(self.cold)

    @property
    def spare(self) -> Path:
        (found,) = (self.known / "spare").iterdir()
        return found


def tree(folder: Path) -> dict[str, bytes | None]:
    return {str(each.relative_to(folder)): each.read_bytes() if each.is_file() else None for each in folder.rglob("*")}


def inodes(folder: Path) -> dict[str, int]:
    return {str(each.relative_to(folder)): each.stat().st_ino for each in folder.glob("accounts/*/*.json")}


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """Built twice, so that there is a spare."""
    made = Fleet(tmp_path)
    made.build()
    made.edit("a1", "two")
    made.build()
    return made


def test_folders_take_turns_and_what_stays_is_not_touched(fleet: Fleet) -> None:
    first, second = fleet.out.stat().st_ino, fleet.spare.stat().st_ino
    before = inodes(fleet.out)
    fleet.edit("a2", "three")
    assert fleet.build() == "1 of 4 accounts differ, in nothing that is said of them or others"
    assert (fleet.out.stat().st_ino, fleet.spare.stat().st_ino) == (second, first)
    other = {path for path, inode in inodes(fleet.out).items() if before[path] != inode}
    was_in_both = "accounts/a1/ROUTER_POLICY.json"  # written with the rest of its account when there was no spare
    assert other == {was_in_both, "accounts/a2/CUSTOMER_LLM_CONFIG.json"}
    assert fleet.is_right()
    assert fleet.build() == "nothing has changed"


def test_a_copy_by_links_stays_what_it_is(fleet: Fleet, tmp_path: Path) -> None:
    copies = []
    for turn in range(4):  # so that each of both folders was copied when it was in use
        copy = tmp_path / f"copy-{turn}"
        shutil.copytree(fleet.out, copy, copy_function=os.link)
        copies.append((copy, tree(copy)))
        fleet.edit(f"a{turn}", f"turn-{turn}")
        fleet.build()
    assert [tree(copy) for copy, _ in copies] == [was for _, was in copies]
    assert fleet.is_right()


MEDDLED: dict[str, Callable[[Path], object]] = {
    "nothing": lambda spare: None,
    "another file": lambda spare: (spare / "accounts/a0/notes.txt").write_text("mine"),
    "another folder": lambda spare: (spare / "accounts/a9/x").mkdir(parents=True),
    "a document of the same size": lambda spare: _same_size(spare / "accounts/a0/ROUTER_POLICY.json"),
    "a document less": lambda spare: (spare / "accounts/a0/ROUTER_POLICY.json").unlink(),
    "an account less": lambda spare: shutil.rmtree(spare / "accounts/a0"),
    "a link in place of a document": lambda spare: _linked(spare / "accounts/a0/ROUTER_POLICY.json"),
    "a folder in place of the manifest": lambda spare: _foldered(spare / "manifest.json"),
    "all of it": lambda spare: [shutil.rmtree(spare), spare.mkdir()],
    "no spare": shutil.rmtree,
}


def _same_size(path: Path) -> None:
    path.write_text("x" * path.stat().st_size)


def _linked(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/null")


def _foldered(path: Path) -> None:
    path.unlink()
    (path / "in it").mkdir(parents=True)


@pytest.mark.parametrize("how", MEDDLED)
def test_whatever_was_done_to_it_the_next_build_is_whole(fleet: Fleet, how: str) -> None:
    for turn in range(2):
        MEDDLED[how](fleet.spare)
        fleet.edit("a3", f"turn-{turn}")
        fleet.build()
        assert fleet.is_right()


def test_control_what_nobody_looks_at_is_taken_as_it_lies(fleet: Fleet) -> None:
    policy = fleet.spare / "accounts/a0/ROUTER_POLICY.json"
    cache = Cache.of(fleet.root, fleet.known)
    assert cache
    believed = cache.set_aside()
    _same_size(policy)
    assert believed.differs(fleet.spare).keys() == {"accounts/a0/ROUTER_POLICY.json"}
    assert "accounts/a0/ROUTER_POLICY.json" in believed.digests  # what would be taken
    assert "accounts/a0/ROUTER_POLICY.json" not in believed.but(believed.differs(fleet.spare)).digests


def test_what_stands_in_the_way_is_met_once(fleet: Fleet) -> None:
    before, policy = tree(fleet.out), fleet.spare / "accounts/a3/CUSTOMER_LLM_CONFIG.json"
    _foldered(policy)
    fleet.edit("a3", "three")
    with pytest.raises(OutsideError) as met:
        fleet.build()
    assert met.value.next_step == "nothing was changed; run it again"
    assert tree(fleet.out) == before
    fleet.build()
    assert fleet.is_right()


def test_another_build_that_fills_it_is_left_alone(fleet: Fleet) -> None:
    before, spare = tree(fleet.spare), fleet.spare
    held = os.open(spare, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(held, fcntl.LOCK_SH)
        fleet.edit("a3", "three")
        fleet.build()
        assert fleet.is_right()
        assert (tree(spare), spare.stat().st_ino) == (before, os.fstat(held).st_ino)
    finally:
        os.close(held)
    assert sorted(each.name for each in fleet.out.parent.iterdir()) == ["cold", "dist", "known", "repo"]


def test_a_build_with_errors_costs_nothing_but_itself(fleet: Fleet) -> None:
    before, inode = tree(fleet.out), fleet.out.stat().st_ino
    (fleet.root / "accounts/a3.yaml").write_text("account: [\n")
    fleet.build()
    assert (tree(fleet.out), fleet.out.stat().st_ino) == (before, inode)
    second = fleet.spare.stat().st_ino
    fleet.edit("a3", "three")
    fleet.build()
    assert fleet.out.stat().st_ino == second
    assert fleet.is_right()


def test_an_account_that_comes_or_goes_does_so_in_both_folders(fleet: Fleet) -> None:
    for change in (lambda: fleet.edit("b0", "new"), (fleet.root / "accounts/a0.yaml").unlink, lambda: None):
        change()
        fleet.build()
        assert fleet.is_right()
        fleet.edit("a2", str(change))
        fleet.build()
        assert fleet.is_right()


def test_another_folder_may_be_written_with_the_same_spare(fleet: Fleet, tmp_path: Path) -> None:
    first, fleet.out = fleet.out, tmp_path / "other"
    before = tree(first)
    for turn in range(3):
        fleet.edit("a3", f"turn-{turn}")
        fleet.build()
        assert fleet.is_right()
    assert tree(first) == before


_KILLED = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from llmcompile.fleet.building import build
from llmcompile.fleet.cache import Cache

def progress(stage, done, total):
    if done == total:
        os.kill(os.getpid(), 9)

root, out, known = map(Path, sys.argv[1:])
build(root, datetime(2026, 1, 1, tzinfo=UTC), out, progress, jobs=1, cache=Cache.of(root, known), spares_from=0)
"""


def test_a_killed_build_leaves_no_more_than_work(fleet: Fleet) -> None:
    before = tree(fleet.out)
    (fleet.root / "accounts/a3.yaml").write_text("account: a3\nregion: europe-west6\ntier: pro\n")
    command = [sys.executable, "-c", _KILLED, fleet.root, fleet.out, fleet.known]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert tree(fleet.out) == before
    assert (fleet.spare / "accounts/a3/CUSTOMER_LLM_CONFIG.json").read_text() == "{}\n"  # the control: it was at work
    fleet.edit("a3", "four")
    fleet.build()
    assert fleet.is_right()


def test_a_model_that_is_changed_while_a_build_begins_is_seen(fleet: Fleet) -> None:
    def begun() -> Cache:
        cache = Cache.of(fleet.root, fleet.known, lambda: 2**62)  # late enough for every stamp to vouch for its file
        assert cache
        return cache

    fleet.build(begun())
    fleet.edit("a3", "three")
    cache, model = begun(), fleet.root / "models/gpt-4o.yaml"
    model.write_text(model.read_text().replace("text_output: 10", "text_output: 11"))
    fleet.build(cache)
    assert fleet.is_right()


def test_where_it_cannot_be_kept_it_is_not(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path)
    fleet.build()
    (fleet.known / "spare").write_text("a file")
    for turn in range(3):
        fleet.edit("a1", f"turn-{turn}")
        fleet.build()
        assert fleet.is_right()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["cold", "dist", "known", "repo"]


def test_one_that_no_build_has_used_in_a_month_is_removed(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path)
    fleet.build()
    for name, days in (("old", 31), ("young", 29)):
        (fleet.known / "spare" / name).mkdir(parents=True)
        os.utime(fleet.known / "spare" / name, (time.time() - days * 86_400,) * 2)
    fleet.edit("a1", "two")
    fleet.build()
    assert not (fleet.known / "spare/old").exists()
    left = {each.name for each in (fleet.known / "spare").iterdir()}
    assert left == {"young", *(each.name for each in fleet.known.iterdir() if each.is_file())}


def test_only_a_large_fleet_has_one_and_nobody_else_can_read_it(tmp_path: Path) -> None:
    spare = tmp_path / "xdg/llmcompile/spare"
    for count in (3, 1_000):
        accounts = {f"accounts/a{n}.yaml": f"account: a{n}\nregion: europe-west6\n" for n in range(count)}
        root = write_repo(tmp_path / str(count), {**accounts, "accounts/acme.yaml": FILES["accounts/acme.yaml"]})
        for tier in ("", "source: platform\n"):
            (root / "accounts/a1.yaml").write_text(f"account: a1\nregion: europe-west6\n{tier}")
            done = run_cli("build", cwd=root, XDG_CACHE_HOME=str(tmp_path / "xdg"))
            assert done.returncode == 0, done.stderr
        assert spare.exists() is (count == 1_000)
    assert spare.stat().st_mode & 0o077 == 0
    assert sorted(each.name for each in root.iterdir()) == ["accounts", "dist", "llmcompile.yaml", "models", "regions"]


# What a fork looks at meanwhile.


def test_the_answer_is_the_forks() -> None:
    with meanwhile(os.getpid) as pid:
        assert pid() != os.getpid()


def test_without_a_fork_that_answers_it_is_worked_out_here() -> None:
    here = os.getpid()
    with meanwhile(lambda: os.getpid() if os.getpid() == here else os._exit(1)) as pid:
        assert pid() == here


def test_what_fails_fails_here_too() -> None:
    with meanwhile(lambda: 1 / 0) as never, pytest.raises(ZeroDivisionError):
        never()


def test_nothing_runs_afterwards(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    with meanwhile(lambda: _wait(note)):
        while not note.exists() or not note.read_text():
            time.sleep(0.01)
        os.kill(int(note.read_text()), signal.SIGTERM)  # the parent answers that
        os.kill(int(note.read_text()), 0)
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


def _wait(note: Path) -> None:
    note.write_text(str(os.getpid()))
    time.sleep(3_600)
