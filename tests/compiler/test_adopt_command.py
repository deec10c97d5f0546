"""``llmcompile adopt`` as users run it: over a folder and over Secret Manager, and no secret shown by any of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.compiler.adopted import (
    ACCOUNT,
    ENDPOINT,
    KEY,
    KEYED,
    NAMES,
    PRICED,
    PROJECT,
    REGION,
    SECRET,
    SECRETS,
    A,
    changed,
    compact,
    tree,
    without_acme,
    without_nulls,
)
from tests.compiler.repo import run_cli
from tests.compiler.test_resolve import spellings

from llmcompile.adopt.reasons import pointer
from llmcompile.adopt.translate import CUSTOMER
from llmcompile_secretmanager_emulator import Emulator, Fault


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return without_acme(tmp_path / "repo")


class TestCommandLine:
    """The command as users run it, over a folder of versions that someone else filled."""

    @pytest.fixture
    def repo(self, root: Path) -> Path:
        for secret, data in (("acme_llm_config", ACCOUNT), ("azure_openai_europe-north1", REGION)):
            (root / ".store" / secret).mkdir(parents=True)
            (root / ".store" / secret / "7").write_bytes(compact(data))
        return root

    def test_from_json_to_a_push(self, repo: Path) -> None:
        first = run_cli("adopt", "--to", "local", "--region", "europe-north1", *NAMES, cwd=repo)
        assert (first.returncode, first.stdout) == (
            0,
            "accounts/acme.yaml: written; compiles to acme_llm_config version 7 byte by byte\n"
            "regions/europe-north1.yaml: written; compiles to azure_openai_europe-north1 version 7 byte by byte\n"
            "models/gpt-4.yaml: written; fill in its type and prices, which no document says\n",
        )
        assert "note: 3 refs point into these versions" in first.stderr
        assert f"llmcompile adopt --claim --to local {NAMES[0]} {NAMES[1]}" in first.stderr
        assert "ref+file://.store/acme_llm_config/7#/spare/api_key" in (repo / "accounts/acme.yaml").read_text()
        early = run_cli("adopt", "--to", "local", "--claim", *NAMES, cwd=repo)
        assert (early.returncode, early.stdout) == (1, "")
        assert "models/gpt-4.yaml" in early.stderr
        (repo / "models/gpt-4.yaml").write_text(PRICED.format(code="gpt-4"))
        assert run_cli("check", cwd=repo).returncode == 0
        pushed = run_cli("push", "--to", "local", cwd=repo, PRIMARY_KEY="k")
        assert pushed.returncode == 4
        assert "acme_llm_config exists and does not carry our label" in pushed.stderr
        claimed = run_cli("adopt", "--to", "local", "--claim", "--all", cwd=repo)
        assert (claimed.returncode, claimed.stdout) == (
            0,
            "acme_llm_config: ours from version 7 on; compiles to acme_llm_config version 7 byte by byte\n"
            "azure_openai_europe-north1: ours from version 7 on; compiles to azure_openai_europe-north1 version 7"
            " byte by byte\n",
        )
        assert "2 claimed, 0 ours already" in claimed.stderr
        pushed = run_cli("push", "--to", "local", cwd=repo, PRIMARY_KEY="k")
        assert pushed.returncode == 0, pushed.stderr
        assert "create acme_llm_policy" in pushed.stdout
        assert "acme_llm_config" not in pushed.stdout
        assert sorted(each.name for each in (repo / ".store/acme_llm_config").iterdir()) == ["7", "secret.json"]
        again = run_cli("adopt", "--to", "local", "--claim", *NAMES, cwd=repo)
        assert (again.returncode, again.stdout) == (0, "")
        assert "0 claimed, 2 ours already" in again.stderr

    def test_all_of_others_in_one_go(self, repo: Path) -> None:
        result = run_cli("adopt", "--to", "dir:.store", "--all", "--region", "europe-west6", cwd=repo)
        assert result.returncode == 0, result.stderr
        assert (repo / "accounts/acme.yaml").exists()
        assert (repo / "regions/europe-north1.yaml").exists()

    def test_the_region_of_an_account_is_asked_for(self, repo: Path) -> None:
        result = run_cli("adopt", "--to", "local", *NAMES, cwd=repo)
        assert result.returncode == 2
        assert "no document says which region account/acme is in" in result.stderr
        assert "add --region: europe-north1, europe-west6" in result.stderr
        assert run_cli("adopt", "--to", "local", NAMES[0], cwd=repo).returncode == 0  # the only one there is
        assert "region: europe-west6" in (repo / "accounts/acme.yaml").read_text()

    def test_data_that_is_written_differently(self, repo: Path) -> None:
        (repo / ".store/acme_llm_config/8").write_bytes(json.dumps(without_nulls(ACCOUNT)).encode())
        result = run_cli("adopt", "--to", "local", NAMES[0], cwd=repo)
        assert result.stdout.splitlines()[0] == (
            "accounts/acme.yaml: written; compiles to the data of acme_llm_config version 8, but for 7 nulls left out"
            " on one side; the next push writes it in its own spelling"
        )

    def test_reasons_end_with_4(self, repo: Path) -> None:
        (repo / ".store/acme_llm_config/8").write_bytes(compact(changed(ACCOUNT, ("spare", "api_key"), "k\n")))
        before = tree(repo)
        result = run_cli("adopt", "--to", "local", *NAMES, "--region", "europe-west6", cwd=repo)
        assert (result.returncode, result.stdout) == (4, "")
        assert result.stderr.splitlines()[:2] == [
            "acme_llm_config version 8: /spare/api_key: the value holds a line break or another character that does"
            " not print",
            "error: 1 reason against it; nothing was written",
        ]
        assert tree(repo) == before

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ((), "which documents?"),
            (("--all", "account/acme"), "which documents?"),
            (("acme",), "neither account/ID nor region/ID"),
            (("account/ACME",), "'ACME' cannot be the id of an account"),
            (("account/../../etc",), "cannot be the id of an account"),
            (("region/a/b",), "cannot be the id of a region"),
            ((A, "--region", "europe-west7"), "did you mean 'europe-west6'?"),
            ((A, "--claim"), "there is no accounts/acme.yaml to claim by"),
            ((A, "--to", "lokal"), "did you mean 'local'?"),
        ],
    )
    def test_wrong_usage(self, repo: Path, arguments: tuple[str, ...], message: str) -> None:
        result = run_cli("adopt", "--to", "local", *arguments, cwd=repo)
        assert result.returncode == 2, result.stderr
        assert message in result.stderr

    def test_a_project_file_that_cannot_be_read(self, repo: Path) -> None:
        (repo / "llmcompile.yaml").write_text("version: 2\n")
        result = run_cli("adopt", "--to", "dir:.store", NAMES[0], cwd=repo)
        assert result.returncode == 1
        assert "llmcompile.yaml:1:10" in result.stderr

    def test_a_ref_of_others_without_a_value(self, repo: Path) -> None:
        text = "account: acme\nregion: europe-west6\nendpoints:\n  spare: {provider: groq, api_key: ref+env://NONE,"
        (repo / "accounts/acme.yaml").write_text(text + " supported_models: [gpt-4o]}\n")
        result = run_cli("adopt", "--to", "local", NAMES[0], cwd=repo)
        assert result.returncode == 5
        assert "accounts/acme.yaml:4:36: ref+env://NONE: the variable NONE is not set" in result.stderr


CANARIES = (KEY, SECRET)
LEAKS: dict[str, Any] = {
    "adopted": ACCOUNT,
    "everywhere": {"d": dict.fromkeys(CUSTOMER, KEY)},
    "as-names": {"k": KEYED, KEY: dict(ENDPOINT, **{SECRET: SECRET})},
    "as-its-own-name": {"ok": ENDPOINT, SECRET: dict(ENDPOINT, version=5, weight=None)},
    "as-a-name-twice": compact({SECRET: ENDPOINT}).replace(b'"version"', b'"version":null,"version"'),
    "in-lists": changed(changed(ACCOUNT, ("default", "scopes"), [SECRET]), ("spare", "supported_models"), [KEY]),
    "in-objects": changed(changed(ACCOUNT, ("default", "api_key"), {"a": SECRET}), ("spare", "tags"), {KEY: [KEY]}),
    "in-one-field": {"d": KEYED | {"provider": KEY, "api_key": None}},
    "line-end": changed(ACCOUNT, ("spare", "api_key"), f"{KEY}\n"),
    "space": changed(changed(ACCOUNT, ("default", "oauth_client_secret"), f" {SECRET}"), ("spare", "version"), KEY),
    "broken": compact(ACCOUNT)[:-5],
    "twice": compact(ACCOUNT).replace(b'"api_key"', b'"api_key":"' + KEY.encode() + b'","api_key"'),
    "text": compact(KEY),
}


@pytest.mark.parametrize("data", LEAKS.values(), ids=LEAKS)
def test_no_secret_is_ever_shown(root: Path, data: Any) -> None:
    folder = root / ".store" / "acme_llm_config"
    folder.mkdir(parents=True)
    (folder / "1").write_bytes(data if isinstance(data, bytes) else compact(data))
    said = ""
    for more in ((), ("--claim",)):
        result = run_cli("adopt", "--to", "local", A, *more, cwd=root, LLMCOMPILE_DEBUG="1")
        assert result.returncode in (0, 1, 2, 4), result.stderr
        said += result.stdout + result.stderr
    written = "".join(path.read_text() for path in root.rglob("*.yaml"))
    hidden = {each for canary in (KEY, SECRET) for each in spellings(canary) | spellings(pointer((canary,)))}
    assert not [each for each in hidden if each in said + written]
    held = (folder / "1").read_text()  # the control: they are in there, and would be found
    assert [each for each in hidden if each in held]


class TestSecretManager:
    """Over a socket, with the real client."""

    @pytest.fixture
    def server(self) -> Iterator[Emulator]:
        with Emulator(project=PROJECT) as server:
            server.put("acme_llm_config", b"{}", compact(ACCOUNT), labels={"team": "platform"}, annotations={"a": "b"})
            server.put("azure_openai_europe-north1", compact(REGION))
            yield server

    def run(self, root: Path, server: Emulator, *arguments: str) -> Any:
        to = ("--to", f"gcpsecrets://{PROJECT}")
        environment = {"SECRET_MANAGER_EMULATOR_HOST": server.address, "PRIMARY_KEY": "k"}
        return run_cli(*arguments, *to, cwd=root, **environment)

    def adopted(self, root: Path, server: Emulator) -> None:
        result = self.run(root, server, "adopt", *NAMES, "--region", "europe-north1")
        assert result.returncode == 0, result.stderr
        (root / "models/gpt-4.yaml").write_text(PRICED.format(code="gpt-4"))

    def test_adopting_reads_alone_and_claiming_writes_two_labels(self, root: Path, server: Emulator) -> None:
        before = server.model.state
        self.adopted(root, server)
        assert server.model.state == before
        assert not server.journal.writes
        text = (root / "accounts/acme.yaml").read_text()
        assert f"ref+gcpsecrets://{PROJECT}/acme_llm_config?version=2#/spare/api_key" in text
        read = [(each.secret, each.version) for each in server.journal.of("AccessSecretVersion")]
        assert read.count(("acme_llm_config", "2")) == 1  # refs into it cost no call
        result = self.run(root, server, "adopt", "--claim", *NAMES)
        assert result.returncode == 0, result.stderr
        assert [(each.method, each.secret) for each in server.journal.writes] == [
            ("UpdateSecret", "acme_llm_config"),
            ("UpdateSecret", "azure_openai_europe-north1"),
        ]
        secret = server.secret("acme_llm_config")
        assert secret is not None
        assert dict(secret.labels) == {"team": "platform", "managed-by": "llmcompile"}
        assert (secret.annotations["a"], secret.annotations["llmcompile-version"]) == ("b", "2")
        server.journal.clear()
        pushed = self.run(root, server, "push")
        assert pushed.returncode == 0, pushed.stderr
        added = {each.secret for each in server.journal.of("AddSecretVersion") if each.committed}
        assert added.isdisjoint({"acme_llm_config", "azure_openai_europe-north1"})
        assert "acme_llm_policy" in added

    def test_without_the_right_to_claim_nothing_is_claimed(self, root: Path, server: Emulator) -> None:
        self.adopted(root, server)
        server.permissions.deny("secretmanager.secrets.update", secret="azure_*")
        before = server.model.state
        result = self.run(root, server, "adopt", "--claim", "--all")
        assert result.returncode == 5
        assert "azure_openai_europe-north1: secretmanager.secrets.update" in result.stderr
        assert server.model.state == before

    def test_a_claim_whose_answer_is_lost_is_made_once(self, root: Path, server: Emulator) -> None:
        self.adopted(root, server)
        server.faults.add(Fault("error", method="UpdateSecret", nth=1, after_commit=True))
        result = self.run(root, server, "adopt", "--claim", *NAMES)
        assert result.returncode == 0, result.stderr
        for name in SECRETS.values():
            secret = server.secret(name)
            assert secret is not None
            assert secret.labels["managed-by"] == "llmcompile"

    def test_a_newest_version_that_is_disabled(self, root: Path, server: Emulator) -> None:
        name = server.client().secret_path(PROJECT, "acme_llm_config")
        server.client().disable_secret_version(name=f"{name}/versions/2")
        result = self.run(root, server, "adopt", "account/acme")
        assert result.returncode == 4
        assert "acme_llm_config version 2: it is the newest and disabled" in result.stderr
