"""Stores: what every one of them promises, and what the folder of versions adds."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from llmcompile.errors import OutsideError
from llmcompile.push.directory import DirectoryStore
from llmcompile.push.memory import MemoryStore
from llmcompile.push.ownership import is_ours
from llmcompile.push.store import ConflictError, Store, Version


@pytest.fixture(params=["memory", "directory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> MemoryStore | DirectoryStore:
    return MemoryStore() if request.param == "memory" else DirectoryStore(tmp_path / "store")


def test_an_unknown_secret_is_not_there(store: Store) -> None:
    assert store.held("acme_llm_config") is None
    assert store.read("acme_llm_config", 1) is None
    assert list(store.secrets()) == []
    assert (store.versions("acme_llm_config"), store.latest("acme_llm_config")) == ([], None)


def test_versions_have_the_numbers_in_which_they_were_added(store: Store) -> None:
    store.create("acme_llm_config", {})
    assert store.latest("acme_llm_config") is None
    assert [store.add("acme_llm_config", payload) for payload in (b"one", b"two", b"one")] == [1, 2, 3]
    assert store.read("acme_llm_config", 2) == Version(2, b"two")
    assert store.read("acme_llm_config", 4) is None
    assert [each.number for each in store.versions("acme_llm_config")] == [3, 2, 1]
    assert store.latest("acme_llm_config") == 3


def test_what_becomes_of_a_version(store: MemoryStore | DirectoryStore) -> None:
    store.create("acme_llm_config", {})
    for payload in (b"one", b"two"):
        store.add("acme_llm_config", payload)
    store.disable("acme_llm_config", 2)
    assert store.read("acme_llm_config", 2) == Version(2, None, "disabled")
    assert store.latest("acme_llm_config") is None  # never the newest enabled one
    assert store.add("acme_llm_config", b"three") == 3
    store.enable("acme_llm_config", 2)
    store.destroy("acme_llm_config", 1)
    assert [each.state for each in store.versions("acme_llm_config")] == ["enabled", "enabled", "destroyed"]
    assert store.read("acme_llm_config", 1) == Version(1, None, "destroyed")


def test_a_secret_is_changed_by_its_etag(store: Store) -> None:
    made = store.create("acme_llm_config", {"a": "1"})
    with pytest.raises(ConflictError):
        store.create("acme_llm_config", {})
    store.add("acme_llm_config", b"one")
    changed = store.update(made, {"a": "2"})
    assert (changed.annotations, is_ours(changed)) == ({"a": "2"}, True)
    with pytest.raises(ConflictError):
        store.update(made, {"a": "3"})
    assert store.held("acme_llm_config") == changed
    assert list(store.secrets()) == [changed]


def test_a_version_never_shows_its_payload(store: Store) -> None:
    store.create("acme_llm_config", {})
    store.add("acme_llm_config", b"canary")
    assert "canary" not in repr(store.read("acme_llm_config", 1))


def test_versions_are_numbered_files_for_their_owner_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        store = DirectoryStore(tmp_path / "store")
        store.create("acme_llm_config", {})
        for number in range(1, 12):
            store.add("acme_llm_config", str(number).encode())
    finally:
        os.umask(old)
    folder = tmp_path / "store" / "acme_llm_config"
    assert sorted(each.name for each in folder.iterdir()) == sorted([*map(str, range(1, 12)), "secret.json"])
    assert {stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert store.latest("acme_llm_config") == 11  # by number, not by text, where 9 would be the last


def test_what_a_killed_push_left_is_no_version(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    store.create("acme_llm_config", {})
    store.add("acme_llm_config", b"whole")
    (tmp_path / "acme_llm_config" / ".new-abc").write_bytes(b"ha")
    assert [each.number for each in store.versions("acme_llm_config")] == [1]


def test_a_folder_without_metadata_is_somebody_elses(tmp_path: Path) -> None:
    (tmp_path / "acme_llm_config").mkdir()
    (tmp_path / "acme_llm_config" / "1").write_bytes(b"theirs")
    store = DirectoryStore(tmp_path)
    held = store.held("acme_llm_config")
    assert held is not None
    assert not is_ours(held)
    assert is_ours(store.update(held, {}))  # what adopting does


def test_metadata_that_is_broken_is_said(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    store.create("acme_llm_config", {})
    (tmp_path / "acme_llm_config" / "secret.json").write_text("{")
    with pytest.raises(OutsideError, match=r"secret\.json is broken"):
        store.held("acme_llm_config")


def test_concurrent_pushes_never_overwrite_a_version(tmp_path: Path) -> None:
    added: list[tuple[int, bytes]] = []
    DirectoryStore(tmp_path).create("acme_llm_config", {})

    def push(name: int) -> None:
        store = DirectoryStore(tmp_path)
        for each in range(20):
            payload = f"{name}-{each}".encode()
            added.append((store.add("acme_llm_config", payload), payload))

    threads = [threading.Thread(target=push, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(number for number, _ in added) == list(range(1, 81))
    for number, payload in added:
        assert (tmp_path / "acme_llm_config" / str(number)).read_bytes() == payload


def test_a_disk_that_fails_is_said_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "acme_llm_config").write_text("a file where the folder belongs")
    with pytest.raises(OutsideError, match="cannot write"):
        DirectoryStore(tmp_path).add("acme_llm_config", b"data")


def test_a_folder_that_may_not_be_written_is_known_before(tmp_path: Path) -> None:
    if os.getuid() == 0:
        pytest.skip("root may write everywhere")
    tmp_path.chmod(0o500)
    assert DirectoryStore(tmp_path / "store").lacking("acme_llm_config", exists=False)
