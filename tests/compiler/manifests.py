"""The manifests of the worked example's routers, and who judges them: two validators, and a search for loose ends."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from tests.compiler.example import AS_OF, ROOT

from llmcompile.emit.kubernetes.render import Mount, Settings, render
from llmcompile.emit.kubernetes.routers import Router, routers
from llmcompile.pipeline import compile_repository

TESTS = ROOT / "tests"
MOUNTS: tuple[Mount, ...] = ("files", "env")
IMAGE = "registry.example/llmrouter:1.2.3"
OLDEST = "1.30"  # of Kubernetes, that the page promises
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""A label by RFC 1123."""

Object = dict[str, Any]


@cache
def example_routers() -> tuple[Router, ...]:
    return routers(compile_repository(ROOT, AS_OF).linked)


@cache
def rendered(mount: Mount) -> dict[str, str]:
    return dict(render(example_routers(), Settings("example-llm-prod", mount, IMAGE)))


def objects(files: dict[str, str], router: Router) -> list[Object]:
    """Every object of a router, in the order of its kustomization."""
    kustomization = yaml.safe_load(files[f"{router.path}/kustomization.yaml"])
    return [each for name in kustomization["resources"] for each in yaml.safe_load_all(files[f"{router.path}/{name}"])]


def of_kind(found: list[Object], kind: str, name: str = "") -> Object:
    (one,) = (each for each in found if each["kind"] == kind and each["metadata"]["name"].startswith(name))
    return one


def each_set() -> list[Any]:
    """All of the example's routers in both flavours."""
    return [
        pytest.param(mount, router, id=f"{mount}-{router.region}-{router.account}")
        for mount in MOUNTS
        for router in example_routers()
    ]


every_set = pytest.mark.parametrize(("mount", "router"), each_set())


@cache
def custom_schema(kind: str) -> jsonschema.Draft202012Validator:
    path = TESTS / "data" / "external-secrets" / f"{kind.lower()}-v1.json"
    return jsonschema.Draft202012Validator(strict(json.loads(path.read_bytes())))


def strict(schema: Any) -> Any:
    """The schema as a cluster understands it, but refusing what it would prune: a field that it does not know."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    done = {key: strict(value) for key, value in schema.items()}
    if schema.get("x-kubernetes-int-or-string") is True:
        return {"type": ["integer", "string"]}
    described = isinstance(schema.get("properties"), dict) and schema.get("type") == "object"
    if described and not schema.get("x-kubernetes-preserve-unknown-fields"):
        done.setdefault("additionalProperties", False)
    return done


def valid(found: Object) -> None:
    """Raise unless an API server with the operator's definitions would take the object and prune nothing of it."""
    if found["apiVersion"] == "external-secrets.io/v1":
        custom_schema(found["kind"]).validate(found)
    else:
        for version in (OLDEST, kubernetes_validate.latest_version()):
            kubernetes_validate.validate(found, version, strict=True)


def loose_ends(found: list[Object]) -> list[str]:
    """What is used of an object and is not there."""
    deployment = of_kind(found, "Deployment")
    pod, labels = deployment["spec"]["template"]["spec"], deployment["spec"]["template"]["metadata"]["labels"]
    external = of_kind(found, "ExternalSecret")["spec"]
    auth = of_kind(found, "SecretStore")["spec"]["provider"]["gcpsm"]["auth"]
    accounts = {each["metadata"]["name"] for each in found if each["kind"] == "ServiceAccount"}
    ports = {each["name"] for each in pod["containers"][0]["ports"]}
    service = of_kind(found, "Service")["spec"]
    ends = {
        "store": external["secretStoreRef"] == {"kind": "SecretStore", "name": _name(found, "SecretStore")},
        "sync account": auth["workloadIdentity"]["serviceAccountRef"]["name"] in accounts,
        "pod account": pod["serviceAccountName"] in accounts,
        "two accounts": pod["serviceAccountName"] != auth["workloadIdentity"]["serviceAccountRef"]["name"],
        "service": service["selector"].items() <= labels.items(),
        "deployment": deployment["spec"]["selector"]["matchLabels"].items() <= labels.items(),
        "spread": pod["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"].items() <= labels.items(),
        "port": {service["ports"][0]["targetPort"], *_probe_ports(pod)} == ports,
        "documents": _read(pod) == {each["secretKey"]: external["target"]["name"] for each in external["data"]},
        "reloader": _restarted_for(deployment) == (None if _mounts(pod) else external["target"]["name"]),
    }
    return [name for name, tied in ends.items() if not tied]


def _restarted_for(deployment: Object) -> Any:
    """The Secret whose changes restart the pods; files are read again without."""
    return deployment["metadata"].get("annotations", {}).get("secret.reloader.stakater.com/reload")


def _mounts(pod: Object) -> bool:
    return any("secret" in each for each in pod.get("volumes", []))


def _name(found: list[Object], kind: str) -> str:
    return str(of_kind(found, kind)["metadata"]["name"])


def _probe_ports(pod: Object) -> set[str]:
    container = pod["containers"][0]
    return {container[probe]["httpGet"]["port"] for probe in ("readinessProbe", "livenessProbe")}


def _read(pod: Object) -> dict[str, str]:
    """The variables by which the router gets its documents, each with the secret behind; a file must be mounted."""
    container = pod["containers"][0]
    read = {}
    for each in container["env"]:
        if "valueFrom" in each:
            ref = each["valueFrom"]["secretKeyRef"]
            read[each["name"]] = ref["name"] if ref["key"] == each["name"] else ""
        else:
            variable = each["name"].removesuffix("_FILE")
            read[variable] = _mounted(pod, each["value"], variable)
    return read


def _mounted(pod: Object, path: str, key: str) -> str:
    """The secret that is mounted, as a whole folder, so that the path holds the key."""
    folder, _, file = path.rpartition("/")
    mounts = [each for each in pod["containers"][0]["volumeMounts"] if each["mountPath"] == folder]
    volumes = {each["name"]: each["secret"]["secretName"] for each in pod["volumes"]}
    whole = len(mounts) == 1 and "subPath" not in mounts[0] and file == key
    return str(volumes.get(mounts[0]["name"], "")) if whole else ""
