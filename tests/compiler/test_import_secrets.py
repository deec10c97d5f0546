"""Secrets of an import: none leaves the source, each becomes a ref."""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.compiler.importing import ONE, Ran, run

from llmcompile.refs import Ref

CANARY = "Xk9vQ2canary7Tz4Wm1Lp8"
SECRETS = f"""\
model_list:
  - model_name: gpt-4o
    litellm_params:
      model: azure/gpt-4o
      api_base: https://eu.openai.azure.example/
      api_key: {CANARY}
      extra_headers: {{Authorization: "Bearer {CANARY}"}}
      aws_secret_access_key: {CANARY}
      input_cost_per_token: 1e-6
      output_cost_per_token: 1e-6
  - model_name: gpt-4o
    litellm_params:
      model: openai/gpt-4o
      litellm_credential_name: shared
  - model_name: other
    litellm_params:
      model: openai/other
      api_base: https://user:{CANARY}@other.example/v1
      api_key: {CANARY}-2
  - model_name: third
    litellm_params: {{model: vertex_ai/x, vertex_credentials: {CANARY}, api_key: {CANARY}}}
credential_list:
  - credential_name: shared
    credential_values: {{api_key: {CANARY}-3}}
    credential_info: {{token: {CANARY}}}
general_settings:
  master_key: {CANARY}
  database_url: postgresql://user:{CANARY}@db.example/proxy
environment_variables:
  OPENAI_API_KEY: {CANARY}
litellm_settings:
  cache_params: {{password: {CANARY}}}
"""


def encodings(secret: str) -> set[str]:
    """The secret as it could be hidden in an output: as it is, in part, in base 64, in a URL, as hexadecimal digits."""
    raw = secret.encode()
    return {secret, secret[:12], secret[-12:], quote(secret, safe=""), raw.hex(), base64.b64encode(raw).decode()[:-4]}


def everything(ran: Ran) -> str:
    """All that a run said and wrote, names of files included."""
    files = [path for path in ran.out.rglob("*") if path.is_file()]
    return ran.said + "".join(f"{path}\n{path.read_text('utf-8')}" for path in files)


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("own", [(), ("--account", "acme")], ids=["platform", "account"])
def test_no_secret_leaves_the_source(form: str, own: tuple[str, ...], tmp_path: Path) -> None:
    ran = run(tmp_path, "litellm", SECRETS, *own, form=form)
    assert ran.code == 0, ran.said
    assert "IMPORTED_AZURE_KEY" in ran.said
    assert "IMPORTED_SHARED_KEY" in ran.said
    assert not [each for each in encodings(CANARY) if each in everything(ran)]


def test_control_a_secret_that_leaves_is_found(tmp_path: Path) -> None:
    ran = run(tmp_path, "litellm", SECRETS)
    for spoilt in encodings(CANARY):
        (ran.out / "models" / "note.yaml").write_text(f"# {spoilt}\n")
        assert [each for each in encodings(CANARY) if each in everything(ran)]


@pytest.mark.parametrize(
    "broken",
    [
        SECRETS + "broken: [",
        SECRETS.replace("model: azure/gpt-4o", "xmodel: azure/gpt-4o"),
        SECRETS.replace("model_name: other", "model_name: [other]"),
        SECRETS + f"general_settings: {{master_key: {CANARY}}}\n",
        SECRETS.replace(f"api_key: {CANARY}\n", f"api_key: {CANARY}\n      api_key: {CANARY}\n", 1),
    ],
)
def test_no_secret_is_in_a_refusal(broken: str, tmp_path: Path) -> None:
    for form in ("text", "json"):
        ran = run(tmp_path, "litellm", broken, form=form)
        assert ran.code == 1
        assert "error[" in ran.stderr
        assert not [each for each in encodings(CANARY) if each in everything(ran)]


@pytest.mark.parametrize(
    "place",
    ["model_name: gpt-{}", "model_info: {{id: a-{}}}", "model_info: {{access_groups: [a-{}]}}"],
)
def test_a_secret_that_would_be_written_elsewhere_stops_everything(place: str, tmp_path: Path) -> None:
    secret = CANARY.lower()
    text = SECRETS.replace(CANARY, secret).replace("- model_name: gpt-4o", f"- {place.format(secret)}", 1)
    text = (
        text.replace("    litellm_params:", "    model_name: gpt-4o\n    litellm_params:", 1)
        if "info" in place
        else text
    )
    ran = run(tmp_path, "litellm", text, form="text")
    assert ran.code == 1
    assert "error[secret-literal]" in ran.stderr
    assert not ran.out.exists()
    assert not [each for each in encodings(secret) if each in everything(ran)]


def test_a_key_of_a_known_form_is_never_a_name(tmp_path: Path) -> None:
    ran = run(tmp_path, "litellm", ONE.replace("openai/gpt-4o", "openai/sk-abcdefghijklmnopqrstuvwx"))
    assert ran.code == 1
    assert ran.said_of("model_list[0].litellm_params.model")[0][1].endswith("it looks like a secret")
    assert "abcdefgh" not in ran.said


def test_an_id_that_looks_like_a_key_names_nothing(tmp_path: Path) -> None:
    odd = "7c9f2a1b3d8e4f0a2c6b5d9e1f3a7b8c"
    info = f"    model_info: {{id: {odd}}}\nrouter_settings:\n"
    groups = f"  route_groups: [{{key: {odd}, members: [{{deployment_id: {odd}}}]}}]\n"
    ran = run(tmp_path, "deltallm", ONE + info + groups)
    named = run(
        tmp_path, "deltallm", ONE.replace("    litellm", f"    named_credential_id: {odd}\n    litellm"), out="o"
    )
    for each in (ran, named):
        assert each.code == 0
        assert list(each.loaded("regions/europe-west1.yaml")["endpoints"]) == ["openai"]
        assert odd not in everything(each)
    control = run(tmp_path, "deltallm", (ONE + info + groups).replace(odd, "primary"), out="control")
    assert list(control.loaded("regions/europe-west1.yaml")["endpoints"]) == ["primary"]


def test_the_same_secret_becomes_the_same_variable_and_another_its_own(tmp_path: Path) -> None:
    entry = "  - model_name: m{0}\n    litellm_params: {{model: openai/m{0}, api_key: {1}}}\n"
    keys = ("one", "two", "one", "os.environ/IMPORTED_OPENAI_KEY_2")
    text = "model_list:\n" + "".join(entry.format(number, key) for number, key in enumerate(keys))
    ran = run(tmp_path, "litellm", text)
    served = ran.loaded("regions/europe-west1.yaml")["endpoints"]
    by_model = {code: each["api_key"] for each in served.values() for code in each.get("models", {})}
    chains = ran.loaded("regions/europe-west1.yaml")["models"]
    refs = {code: served[chain[0]]["api_key"].removeprefix("ref+env://") for code, chain in chains.items()}
    assert not by_model  # upstream names are the codes
    assert refs == {
        "m0": "IMPORTED_OPENAI_KEY", "m1": "IMPORTED_OPENAI_KEY_3", "m2": "IMPORTED_OPENAI_KEY",
        "m3": "IMPORTED_OPENAI_KEY_2",
    }  # fmt: skip
    assert [each["variable"] for each in ran.report["made_up"]] == ["IMPORTED_OPENAI_KEY", "IMPORTED_OPENAI_KEY_3"]


@pytest.mark.parametrize(
    ("written", "ref"),
    [
        ("os.environ/A_KEY", Ref("env", "A_KEY")),
        ("${A_KEY}", Ref("env", "A_KEY")),
        ("$A_KEY", Ref("env", "A_KEY")),
        ("projects/example-prod/secrets/a/versions/3", Ref("gcpsecrets", "example-prod/a", 3)),
        ("gcp.secretmanager/projects/example-prod/secrets/a#b", Ref("gcpsecrets", "example-prod/a", pointer="/b")),
        ("aws.secretsmanager/a#b", Ref("env", "IMPORTED_OPENAI_KEY")),
        ("os.environ/A-KEY", Ref("env", "IMPORTED_OPENAI_KEY")),
        ("os.getenv(A_KEY)", Ref("env", "IMPORTED_OPENAI_KEY")),
        ("<your-key>", Ref("env", "IMPORTED_OPENAI_KEY")),
    ],
)
def test_every_way_to_point_to_a_key(written: str, ref: Ref, tmp_path: Path) -> None:
    ran = run(tmp_path, "litellm", ONE.replace("os.environ/OPENAI_API_KEY", f"'{written}'"))
    assert ran.loaded("regions/europe-west1.yaml")["endpoints"]["openai"]["api_key"] == str(ref)
    assert ran.code == 0
