"""The rendered manifests in the hands of others: kubectl, where it is installed, and the real router."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest
import yaml
from tests.compiler.example import ROOT
from tests.compiler.manifests import (
    IMAGE,
    MOUNTS,
    Object,
    example_routers,
    loose_ends,
    objects,
    of_kind,
    rendered,
    valid,
)
from tests.compiler.repo import run_cli, write_repo
from tests.runtime.running import RunningRouter, refused

from llmcompile.emit.kubernetes.render import Mount, Settings, write

VARIABLES = ("CUSTOMER_LLM_CONFIG", "PROVISIONED_OPENAI_CONFIG", "ROUTER_POLICY")
KEYED = "  - {id: bot, sha256: 6d97e7c3c8b58ee48f3411a21f3a05ed850928bff978d1a793c2a3bf21356939}\n"
STORE = "version: 1\nstores: {local: 'dir:.store', live: 'gcpsecrets://acme-llm-test'}\n"

# kubectl itself, where it is installed.


needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="this machine has no kubectl")


@needs_kubectl
@pytest.mark.parametrize("mount", MOUNTS)
def test_kustomize_makes_of_a_region_what_its_routers_say(mount: Mount, tmp_path: Path) -> None:
    write(tmp_path / "out", example_routers(), Settings("example-llm-prod", mount, IMAGE))
    for region in sorted({each.region for each in example_routers()}):
        made = {_identity(each): each for each in _kustomized(tmp_path / "out" / region)}
        of_region = [each for each in example_routers() if each.region == region]
        expected = {_identity(each): each for router in of_region for each in objects(rendered(mount), router)}
        assert made.keys() == expected.keys()
        for identity, each in made.items():
            labels = each["metadata"].pop("labels")
            assert labels.pop("app.kubernetes.io/managed-by") == "llmcompile"
            assert f"llm-{labels['app.kubernetes.io/instance']}" == identity[1]
            expected[identity]["metadata"].pop("labels", None)
            assert each == expected[identity]
            valid(each)


@needs_kubectl
def test_the_overlay_of_the_documentation(tmp_path: Path) -> None:
    write(tmp_path / "dist/kubernetes", example_routers(), Settings("example-llm-prod"))
    page = (ROOT / "docs/kubernetes.md").read_text(encoding="utf-8")
    (overlay,) = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "overlay").mkdir()
    (tmp_path / "overlay/kustomization.yaml").write_text(overlay)
    deployments = [each["spec"] for each in _kustomized(tmp_path / "overlay") if each["kind"] == "Deployment"]
    assert len(deployments) == 4
    for each in deployments:
        (container,) = each["template"]["spec"]["containers"]
        assert each["replicas"] == 3
        assert container["image"] == "registry.internal.example/llmrouter:0.1.0"
        assert container["resources"]["requests"] == {"cpu": "100m", "memory": "512Mi"}


@needs_kubectl
def test_an_overlay_may_give_another_namespace(tmp_path: Path) -> None:
    """For an account with two regions in one cluster."""
    write(tmp_path / "base", example_routers(), Settings("example-llm-prod"))
    (tmp_path / "overlay").mkdir()
    overlay = {"resources": ["../base/europe-west4/hooli"], "namespace": "llm-hooli-west4"}
    (tmp_path / "overlay/kustomization.yaml").write_text(yaml.safe_dump(overlay))
    found = _kustomized(tmp_path / "overlay")
    assert len(found) == 7
    assert {_identity(each)[1] for each in found} == {"llm-hooli-west4"}
    assert loose_ends(found) == []


def _kustomized(folder: Path) -> list[Object]:
    done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return list(yaml.safe_load_all(done.stdout))


def _identity(found: Object) -> tuple[str, str, str]:
    metadata = found["metadata"]
    return found["kind"], metadata.get("namespace", metadata["name"]), metadata["name"]


# The real router, started as its rendered container says.


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with one account that has keys and one that has none, and its documents in dist/."""
    changes = {
        "llmcompile.yaml": STORE,
        "accounts/acme.yaml": f"account: acme\nregion: europe-west6\nsource: platform\nkeys:\n{KEYED}",
        "accounts/open.yaml": "account: open\nregion: europe-west6\nsource: platform\n",
    }
    root = write_repo(tmp_path_factory.mktemp("built"), changes)
    assert run_cli("build", cwd=root).returncode == 0
    return root


def container(root: Path, account: str, *options: str) -> tuple[list[Object], list[str]]:
    """The objects of an account's router, and its container's arguments but for the port."""
    out = root / "out"
    result = run_cli("build", "--target", "kubernetes", "--to", "live", "--out", out, *options, cwd=root)
    assert result.returncode == 0, result.stderr
    folder = out / "europe-west6" / account
    found = [
        each for name in ("documents", "router") for each in yaml.safe_load_all((folder / f"{name}.yaml").read_text())
    ]
    one = of_kind(found, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    assert (one["command"], one["args"][0]) == (["llmrouter"], "serve")
    port = one["args"].index("--port") + 1
    assert one["args"][port] == str(one["ports"][0]["containerPort"])
    return found, [*one["args"][1:port], "0", *one["args"][port + 1 :]]


def variables(root: Path, found: list[Object], volume: Path) -> dict[str, str]:
    """What the pod's environment would be, with the operator and the kubelet in between."""
    external = of_kind(found, "ExternalSecret")["spec"]
    secret = {each["secretKey"]: _stored(root, each["remoteRef"]["key"]) for each in external["data"]}
    generation = volume / "..2026_01_01"
    generation.mkdir(parents=True)
    (volume / "..data").symlink_to(generation.name)
    for name, value in secret.items():
        (generation / name).write_bytes(value)
        (volume / name).symlink_to(f"..data/{name}")
    env = of_kind(found, "Deployment")["spec"]["template"]["spec"]["containers"][0]["env"]
    return {
        each["name"]: each["value"].replace("/etc/llmrouter", str(volume))
        if "value" in each
        else secret[each["valueFrom"]["secretKeyRef"]["key"]].decode()
        for each in env
    }


def _stored(root: Path, secret: str) -> bytes:
    """The document that a push would put into this secret, but for the values behind refs."""
    documents = json.loads((root / "dist/manifest.json").read_bytes())["documents"]
    (path,) = (each["path"] for each in documents if each["secret"] == secret)
    return (root / "dist" / path).read_bytes()


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize(("account", "options"), [("acme", ()), ("open", ("--allow-unauthenticated",))])
def test_the_router_starts_as_rendered(
    built: Path, tmp_path: Path, mount: str, account: str, options: tuple[str, ...]
) -> None:
    found, arguments = container(built, account, "--mount", mount, *options)
    assert ("--allow-unauthenticated" in arguments) is (account == "open")
    probed = of_kind(found, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    with RunningRouter(variables(built, found, tmp_path / "volume"), *arguments) as running:
        assert running.url.startswith("http://0.0.0.0:")
        answers = {}
        for probe in ("readinessProbe", "livenessProbe"):
            with urllib.request.urlopen(running.url + probed[probe]["httpGet"]["path"], timeout=10) as answer:
                answers[probe] = json.load(answer)
        assert answers["readinessProbe"]["region"] == "europe-west6"
        assert answers["readinessProbe"]["documents"].keys() == set(VARIABLES)


@pytest.mark.parametrize("mount", MOUNTS)
def test_a_router_without_keys_does_not_start_unless_told(built: Path, tmp_path: Path, mount: str) -> None:
    found, arguments = container(built, "open", "--mount", mount)
    code, said = refused(variables(built, found, tmp_path / "volume"), *arguments)
    assert (code, "--allow-unauthenticated" in said) == (2, True)


def test_accounts_without_keys_are_warned_of(built: Path, tmp_path: Path) -> None:
    arguments = ("build", "--target", "kubernetes", "--to", "live", "--out", tmp_path / "out")
    warned = run_cli(*arguments, cwd=built)
    assert "warning: no keys in open: " in warned.stderr
    assert "warning" not in run_cli(*arguments, "--allow-unauthenticated", cwd=built).stderr
