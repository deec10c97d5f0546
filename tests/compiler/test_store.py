"""Stores: what every one of them promises, and what the folder of versions adds."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from llmcompile.errors import OutsideError
from llmcompile.push.directory import DirectoryStore
from llmcompile.push.store import MemoryStore, Store


@pytest.fixture(params=["memory", "directory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return MemoryStore() if request.param == "memory" else DirectoryStore(tmp_path / "store")


def test_an_unknown_secret_has_no_version(store: Store) -> None:
    assert store.newest("acme_llm_config") is None


def test_the_newest_version_is_the_last_added(store: Store) -> None:
    assert [store.add("acme_llm_config", payload) for payload in (b"one", b"two", b"one")] == [1, 2, 3]
    newest = store.newest("acme_llm_config")
    assert newest is not None
    assert (newest.number, newest.payload) == (3, b"one")
    assert store.newest("other_llm_config") is None


def test_a_version_never_shows_its_payload(store: Store) -> None:
    store.add("acme_llm_config", b"canary")
    assert "canary" not in repr(store.newest("acme_llm_config"))


def test_versions_are_numbered_files_for_their_owner_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        store = DirectoryStore(tmp_path / "store")
        for number in range(1, 12):
            store.add("acme_llm_config", str(number).encode())
    finally:
        os.umask(old)
    folder = tmp_path / "store" / "acme_llm_config"
    assert sorted(each.name for each in folder.iterdir()) == sorted(map(str, range(1, 12)))
    assert {stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    newest = store.newest("acme_llm_config")
    assert newest is not None
    assert newest.number == 11  # by number, not by text, where 9 would be the last


def test_what_a_killed_push_left_is_no_version(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    store.add("acme_llm_config", b"whole")
    (tmp_path / "acme_llm_config" / ".new-abc").write_bytes(b"ha")
    newest = store.newest("acme_llm_config")
    assert newest is not None
    assert newest.payload == b"whole"


def test_concurrent_pushes_never_overwrite_a_version(tmp_path: Path) -> None:
    refused: list[OutsideError] = []
    added: list[tuple[int, bytes]] = []

    def push(name: int) -> None:
        store = DirectoryStore(tmp_path)
        for each in range(20):
            payload = f"{name}-{each}".encode()
            try:
                added.append((store.add("acme_llm_config", payload), payload))
            except OutsideError as error:
                refused.append(error)

    threads = [threading.Thread(target=push, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(added) + len(refused) == 80
    assert len({number for number, _ in added}) == len(added)
    for number, payload in added:
        assert (tmp_path / "acme_llm_config" / str(number)).read_bytes() == payload


def test_a_disk_that_fails_is_said_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "acme_llm_config").write_text("a file where the folder belongs")
    with pytest.raises(OutsideError, match="cannot write"):
        DirectoryStore(tmp_path).add("acme_llm_config", b"data")
