"""Names and folders of ``build --target kubernetes``: no two accounts meet, no id is anything but text, and what is
written is whole, the same everywhere, and nothing of anybody else's.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
import yaml
from hypothesis import example, given, settings
from tests.compiler.example import AS_OF, ROOT, copy_example
from tests.compiler.manifests import (
    LABEL,
    MOUNTS,
    example_routers,
    loose_ends,
    objects,
    of_kind,
)
from tests.compiler.repo import FILES, run_cli, write_documents, write_repo

from llmcompile.check import names
from llmcompile.check.context import Whole
from llmcompile.check.facts import facts
from llmcompile.diagnostics import Diagnostic
from llmcompile.emit import dist
from llmcompile.emit.kubernetes.render import PLACEHOLDER_IMAGE, Mount, Settings, render, write
from llmcompile.emit.kubernetes.routers import Router, namespace
from llmcompile.errors import OutsideError, RefusedError
from llmcompile.inputs.account import Account as AccountInput
from llmcompile.inputs.project import Project
from llmcompile.link.catalogue import Account, Catalogue

STORE = "version: 1\nstores: {local: 'dir:.store', live: 'gcpsecrets://acme-llm-test'}\n"
Folder = dict[str, bytes]

# Names: whatever the ids, no two accounts share a namespace, and no id is anything but text.


SLUG = st.from_regex(r"[a-z0-9]([a-z0-9_-]{0,50}[a-z0-9])?", fullmatch=True)
CLOSE = st.from_regex(r"a[_-]{1,3}b", fullmatch=True)  # ids that often meet
PITFALLS = ["no", "y", "null", "1", "1e3", "0x1f", "0b1", "1_0", "0o7", "2026-01-01", "true", "infinity", "017"]


def collisions(accounts: list[str]) -> list[Diagnostic]:
    """What the check says of accounts with these ids."""
    linked = [Account(f"accounts/{each}.yaml", AccountInput(account=each, region="r"), {}) for each in accounts]
    catalogue = Catalogue(Project(version=1), {}, {}, {}, {}, frozenset(), frozenset())
    return list(names.collisions(Whole(catalogue, tuple(map(facts, linked)), AS_OF)))


@settings(deadline=None, max_examples=300)
@given(st.lists(st.one_of(SLUG, CLOSE), unique=True, max_size=8))
@example(["a_b", "a-b"])
@example(["a-b", "a_b", "a--b", "a__b", "a-_b", "a_-b"])
@example(["default", "llm-default", "kube-system"])
def test_no_two_accounts_share_a_namespace_or_both_are_named(accounts: list[str]) -> None:
    found = collisions(accounts)
    assert all(LABEL.fullmatch(namespace(each)) for each in accounts)
    accused = [{each.place.file, each.related[0].place.file} for each in found]
    for index, one in enumerate(accounts):
        for other in accounts[:index]:
            if namespace(one) == namespace(other):
                assert any(f"accounts/{one}.yaml" in pair for pair in accused)
                assert any(f"accounts/{other}.yaml" in pair for pair in accused)
    if not found:
        assert len({namespace(each) for each in accounts}) == len(accounts)


def test_control_ids_do_meet_and_the_longest_just_fits() -> None:
    assert namespace("a_b") == namespace("a-b")
    assert collisions(["a_b", "a-b"])
    assert not collisions(["a_b", "a-c"])
    assert len(namespace("a" * 52)) == 56
    assert not LABEL.fullmatch("a" * 64)


def test_a_collision_is_said_before_anything_is_written(tmp_path: Path) -> None:
    other = FILES["accounts/acme.yaml"].replace("acme", "a_b")
    files = {"accounts/a_b.yaml": other, "accounts/a-b.yaml": other.replace("a_b", "a-b"), "llmcompile.yaml": STORE}
    root = write_repo(tmp_path, {**files, "accounts/acme.yaml": None})
    result = run_cli("build", "--target", "kubernetes", "--to", "live", cwd=root)
    assert result.returncode == 1
    for part in ("name-collision", "accounts/a_b.yaml", "accounts/a-b.yaml"):
        assert part in result.stderr
    assert not (root / "dist").exists()


@pytest.mark.usefixtures("unmeasured")
@settings(deadline=None, max_examples=100)
@given(
    st.one_of(SLUG, st.sampled_from(PITFALLS)), SLUG.map(lambda each: each[:50].strip("-_")), st.sampled_from(MOUNTS)
)
def test_every_id_stays_the_text_that_it_is(account: str, region: str, mount: Mount) -> None:
    router = Router(account, region, has_keys=False)
    files = dict(render([router], Settings("example-llm-prod", mount, allow_unauthenticated=True)))
    assert yaml.safe_load(files[f"{region}/kustomization.yaml"])["resources"] == [account]
    found = objects(files, router)
    assert loose_ends(found) == []
    labels = of_kind(found, "Deployment")["spec"]["template"]["metadata"]["labels"]
    assert labels["app.kubernetes.io/instance"] == account
    keys = [each["remoteRef"]["key"] for each in of_kind(found, "ExternalSecret")["spec"]["data"]]
    assert keys == [f"{account}_llm_config", f"azure_openai_{region}", f"{account}_llm_policy"]
    for each in found:
        assert each["metadata"].get("namespace", each["metadata"]["name"]) == f"llm-{account.replace('_', '-')}"


def test_control_without_quotes_many_ids_would_be_something_else() -> None:
    assert sum(not isinstance(yaml.safe_load(each), str) for each in PITFALLS) >= 8


# Folders and bytes.


def contents(folder: Path) -> Folder:
    return {
        str(each.relative_to(folder)): each.read_bytes() if each.is_file() else b"folder" for each in folder.rglob("*")
    }


def build(root: Path, *arguments: str | Path, **environment: str) -> None:
    full = ("build", "--as-of", "2026-01-15", "--target", "kubernetes", "--to", "production", *arguments)
    result = run_cli(*full, cwd=root, **environment)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("mount", MOUNTS)
def test_the_same_yaml_gives_the_same_bytes(tmp_path: Path, mount: str) -> None:
    root = copy_example(tmp_path / "repo")
    build(root, "--mount", mount, PYTHONHASHSEED="0", TZ="Pacific/Kiritimati")
    expected = contents(root / "dist/kubernetes")
    other = tmp_path / "other"
    for file in sorted(root.rglob("*.yaml"), reverse=True):
        if "dist" not in file.parts:
            to = other / file.relative_to(root)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, to)
    build(other, "--mount", mount, PYTHONHASHSEED="4294967295", TZ="America/Los_Angeles", LC_ALL="C", PYTHONUTF8="0")
    assert contents(other / "dist/kubernetes") == expected
    build(root, "--mount", mount)
    assert contents(root / "dist/kubernetes") == expected


def test_control_the_flavours_differ_and_a_key_matters(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "repo")
    build(root, "--out", tmp_path / "files", "--mount", "files")
    build(root, "--out", tmp_path / "env", "--mount", "env")
    build(root, "--out", tmp_path / "default")
    build(root, "--out", tmp_path / "open", "--allow-unauthenticated")
    files, env, default, opened = (contents(tmp_path / each) for each in ("files", "env", "default", "open"))
    assert files == default
    changed = {name for name in files if files[name] != env[name]}
    assert changed == {f"{each.path}/router.yaml" for each in example_routers()}
    keyed = {each.path for each in example_routers() if each.has_keys}
    assert keyed
    assert {name for name in files if files[name] != opened[name]} == changed - {
        f"{path}/router.yaml" for path in keyed
    }


def test_what_a_price_or_an_endpoint_says_changes_no_manifest(tmp_path: Path) -> None:
    """Else every push would also be a rollout."""
    root = copy_example(tmp_path / "repo")
    build(root)
    before = contents(root / "dist/kubernetes")
    model = root / "models/gpt-4o.yaml"
    region = root / "regions/europe-west6.yaml"
    for file, old, new in ((model, "text_output: 10.00", "text_output: 10.01"), (region, ".azure.", ".other.")):
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))
    build(root)
    assert contents(root / "dist/kubernetes") == before


def test_no_ref_and_no_document_is_in_the_manifests(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "repo")
    build(root)
    text = b"".join(contents(root / "dist/kubernetes").values()).decode()
    assert "acme_llm_config" in text
    for never in ("ref+", "api_key", "oauth", "EXAMPLE_", "azure.example", "sha256"):
        assert never not in text


def test_the_manifest_lists_who_reads_which_secrets(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "repo")
    build(root)
    manifest = json.loads((root / "dist/kubernetes/manifest.json").read_bytes())
    assert manifest.keys() == {"format", "routers"}
    assert len(manifest["routers"]) == 7
    for each in manifest["routers"]:
        found = list(yaml.safe_load_all((root / "dist/kubernetes" / each["path"] / "documents.yaml").read_text()))
        external = of_kind(found, "ExternalSecret")
        assert [ref["remoteRef"]["key"] for ref in external["spec"]["data"]] == each["secrets"]
        assert of_kind(found, "ServiceAccount")["metadata"] == {
            "name": each["service_account"],
            "namespace": each["namespace"],
        }


def test_documents_and_manifests_live_together_and_are_replaced_apart(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "repo")
    documents = ("build", "--as-of", "2026-01-15")
    build(root)  # a dist/ that holds nothing else
    (root / "dist/.kubernetes.abc.llmcompile-build").mkdir()  # left by a build that was killed
    assert run_cli(*documents, cwd=root).returncode == 0
    assert not (root / "dist/kubernetes").exists()  # dist/ is what the last build of all of it made
    build(root)
    of_documents = contents(root / "dist")
    (root / "accounts/stark.yaml").unlink()
    build(root)
    assert not (root / "dist/kubernetes/us-east4/stark").exists()
    assert (root / "dist/kubernetes/us-east4/initech").exists()
    assert (root / "dist/accounts/stark").exists()
    kept = {name: data for name, data in of_documents.items() if not name.startswith("kubernetes/")}
    assert kept.items() <= contents(root / "dist").items()


@pytest.mark.parametrize("foreign", ["photo.jpg", "kustomization.yaml", "kubernetes/deployment.yaml", "manifest.json"])
def test_a_folder_of_somebody_else_is_refused_untouched(tmp_path: Path, foreign: str) -> None:
    root = copy_example(tmp_path / "repo")
    mine = root / "dist" / foreign
    mine.parent.mkdir(parents=True)
    mine.write_text("{}")
    before = contents(root / "dist")
    for arguments in (("build",), ("build", "--target", "kubernetes", "--to", "production", "--out", "dist")):
        result = run_cli(*arguments, cwd=root)
        assert result.returncode == 4, result.stderr
        assert "next: " in result.stderr
        assert contents(root / "dist") == before


def test_neither_build_replaces_what_the_other_wrote(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "repo")
    build(root, "--out", tmp_path / "manifests")
    assert run_cli("build", "--out", tmp_path / "documents", cwd=root).returncode == 0
    before = contents(tmp_path / "manifests"), contents(tmp_path / "documents")
    assert run_cli("build", "--out", tmp_path / "manifests", cwd=root).returncode == 4
    arguments = ("build", "--target", "kubernetes", "--to", "production", "--out", tmp_path / "documents")
    assert run_cli(*arguments, cwd=root).returncode == 4
    assert (contents(tmp_path / "manifests"), contents(tmp_path / "documents")) == before


def test_a_failure_in_the_middle_changes_nothing(tmp_path: Path) -> None:
    def failing(fresh: Path) -> Iterator[Any]:
        (fresh / "half").write_text("x")
        raise OSError(28, "No space left on device")

    out = tmp_path / "out"
    write(out, example_routers(), Settings("example-llm-prod"))
    before = contents(out)
    with pytest.raises(OutsideError):
        dist.replace(out, "routers", failing)  # type: ignore[arg-type]
    assert contents(out) == before
    assert list(tmp_path.iterdir()) == [out]
    with pytest.raises(RefusedError):
        write_documents(out, ())


def test_a_large_fleet(tmp_path: Path) -> None:
    fleet = [Router(f"account-{number:04}", f"region-{number % 3}", has_keys=True) for number in range(1500)]
    fleet.sort(key=lambda each: (each.region, each.account))
    assert write(tmp_path / "out", fleet, Settings("example-llm-prod")) == 1500
    assert sum(each.is_file() for each in (tmp_path / "out").rglob("*")) == 1500 * 4 + 3 + 1


# The command line.


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--target", "helm"], "'documents', 'kubernetes'"),
        (["--target", "kubernetes"], "add --to live"),
        (["--target", "kubernetes", "--to", "local"], "add --to live"),
        (["--target", "kubernetes", "--to", "dir:elsewhere"], "no Google Secret Manager"),
        (["--target", "kubernetes", "--to", "lve"], "did you mean 'live'?"),
        (["--target", "kubernetes", "--to", "gcpsecrets://A"], "no store"),
        (["--target", "kubernetes", "--to", "live", "--mount", "disk"], "'files', 'env'"),
        (["--target", "kubernetes", "--to", "live", "--image", "a b"], "HOST/PATH:TAG"),
        (["--target", "kubernetes", "--to", "live", "--image", ""], "HOST/PATH:TAG"),
        (["--target", "kubernetes", "--to", "live", "--image", 'x"\n  evil: "1'], "HOST/PATH:TAG"),
        (["--to", "live"], "--to goes with --target kubernetes"),
        (["--mount", "env"], "--mount goes with --target kubernetes"),
        (["--allow-unauthenticated"], "--allow-unauthenticated goes with"),
    ],
)
def test_wrong_usage_is_said_with_the_next_step(tmp_path: Path, arguments: list[str], says: str) -> None:
    result = run_cli("build", *arguments, cwd=write_repo(tmp_path, {"llmcompile.yaml": STORE + TIERS}))
    assert result.returncode == 2, result.stderr
    assert says in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert not (tmp_path / "dist").exists()


TIERS = "tiers: {pro: {requests_per_minute: 60}}\n"


def test_without_any_such_store_it_says_how_to_name_one(tmp_path: Path) -> None:
    result = run_cli("build", "--target", "kubernetes", cwd=write_repo(tmp_path))
    assert result.returncode == 2
    assert "add --to gcpsecrets://PROJECT" in result.stderr


@pytest.mark.parametrize(
    "image",
    [
        "llmrouter",
        "registry.example/llmrouter:1",
        "registry.example:5000/team/llm-router:1.2.3-rc.1",
        f"europe-docker.pkg.dev/example/r/llmrouter@sha256:{'a' * 64}",
        f"ghcr.io/example/llmrouter:1.0@sha256:{'0' * 64}",
    ],
)
def test_images_as_people_write_them(tmp_path: Path, image: str) -> None:
    root = write_repo(tmp_path, {"llmcompile.yaml": STORE + TIERS})
    arguments = ("build", "--target", "kubernetes", "--to", "gcpsecrets://other-project", "--image", image)
    result = run_cli(*arguments, cwd=root)
    assert result.returncode == 0, result.stderr
    assert "placeholder" not in result.stderr
    folder = root / "dist/kubernetes/europe-west6/acme"
    deployment = of_kind(list(yaml.safe_load_all((folder / "router.yaml").read_text())), "Deployment")
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == image
    assert '"other-project"' in (folder / "documents.yaml").read_text()


def test_the_worked_example_says_what_to_do_next(tmp_path: Path) -> None:
    arguments = ("build", "--as-of", "2026-01-15", "--target", "kubernetes", "--to", "production")
    result = run_cli(*arguments, "--out", tmp_path / "out", cwd=ROOT)
    assert (result.returncode, result.stdout) == (0, f"7 routers in {tmp_path / 'out'}\n")
    assert PLACEHOLDER_IMAGE in result.stderr
    assert "next: kubectl apply -k " in result.stderr


def test_problems_in_the_yaml_come_first(tmp_path: Path) -> None:
    root = write_repo(tmp_path, {"accounts/acme.yaml": FILES["accounts/acme.yaml"].replace("tier: pro", "tier: por")})
    result = run_cli("build", "--target", "kubernetes", cwd=root)
    assert result.returncode == 1
    assert "tier-unknown" in result.stderr
