"""``key add``: told once, kept as a hash, known to the router, and nowhere else."""

from __future__ import annotations

import hashlib
import itertools
import re
from pathlib import Path

import pytest
from tests.compiler.example import AS_OF, copy_example
from tests.compiler.repo import FILES, run_cli, write_repo

from llmcompile.edit.keys import PREFIX, hashed, new_key
from llmcompile.literals import looks_literal
from llmcompile.pipeline import compile_repository
from llmcompile.show.explain import snapshot_of
from llmrouter.access import Access
from llmrouter.errors import ApiError

ACCOUNT = "accounts/acme.yaml"


def test_a_key_is_shown_once_and_the_router_knows_it_by_its_hash(tmp_path: Path) -> None:
    root = copy_example(tmp_path)
    text = (root / "accounts/globex.yaml").read_text(encoding="utf-8")
    done = run_cli("key", "add", "globex", "third", "--team", "support", "--tier", "free", cwd=root)
    assert done.returncode == 0, done.stderr
    key = done.stdout.removesuffix("\n")
    assert re.fullmatch(PREFIX + "[A-Za-z0-9]{43}", key)
    assert key[len(PREFIX) :] not in done.stderr
    written = b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file()).decode()
    assert key[len(PREFIX) :] not in written
    line = f"  - {{id: third, team: support, tier: free, sha256: {hashlib.sha256(key.encode()).hexdigest()}}}\n"
    assert (root / "accounts/globex.yaml").read_text(encoding="utf-8") == text + line
    compiled = compile_repository(root, AS_OF)
    assert not compiled.failed
    access = Access(snapshot_of(compiled.documents, "globex", "europe-west6").keys)
    found = access.identify([(b"authorization", b"Bearer " + key.encode())])
    assert found is not None
    assert (found.id, found.team) == ("third", "support")
    with pytest.raises(ApiError):
        access.identify([(b"authorization", b"Bearer " + key.encode()[:-1])])


def test_keys_are_all_different_and_would_be_noticed_where_they_do_not_belong() -> None:
    keys = {new_key() for _ in range(200)}
    assert len(keys) == 200
    assert all(looks_literal(key) for key in keys)
    letters = set(itertools.chain.from_iterable(key[len(PREFIX) :] for key in keys))
    assert len(letters) == 62
    assert hashed("a") != hashed("b")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["globx", "third"], "did you mean 'globex'?"),
        (["globex", "research"], "there is a key 'research' already"),
        (["globex", "third", "--team", "suport"], "did you mean 'support'?"),
        (["globex", "third", "--tier", "fre"], "did you mean 'free'?"),
        (["globex", "Third Key"], "write 'third-key'"),
    ],
)
def test_no_key_is_told_where_none_is_kept(tmp_path: Path, arguments: list[str], says: str) -> None:
    root = copy_example(tmp_path)
    done = run_cli("key", "add", *arguments, cwd=root)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert PREFIX not in done.stderr


def test_no_key_is_told_where_the_file_cannot_be_written(tmp_path: Path) -> None:
    root = write_repo(tmp_path)
    (root / ACCOUNT).chmod(0o400)
    done = run_cli("key", "add", "acme", "bot", cwd=root)
    assert (done.returncode, done.stdout) == (5, "")
    assert PREFIX not in done.stderr
    (root / ACCOUNT).chmod(0o600)
    assert run_cli("key", "add", "acme", "bot", cwd=root).stdout.startswith(PREFIX)
    broken = write_repo(tmp_path / "broken", {"llmcompile.yaml": FILES["llmcompile.yaml"] + "tears: {}\n"})
    done = run_cli("key", "add", "acme", "bot", "--tier", "pro", cwd=broken)
    assert (done.returncode, done.stdout) == (1, "")
    assert "unknown key 'tears'" in done.stderr
