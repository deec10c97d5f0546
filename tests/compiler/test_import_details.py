"""``import`` in detail: exact prices, secrets that stay where they are, bad input, options, and what holds for any."""

from __future__ import annotations

import base64
import stat
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.compiler.importing import Ran, run
from tests.compiler.repo import run_cli

from llmcompile.importing import prices, source, texts
from llmcompile.load.repository import load_repository
from llmcompile.refs import Ref

ONE = """\
model_list:
  - model_name: gpt-4o
    litellm_params:
      model: openai/gpt-4o
      api_key: os.environ/OPENAI_API_KEY
      input_cost_per_token: 2.5e-6
      output_cost_per_token: 0.00001
"""


def with_params(lines: str, text: str = ONE) -> str:
    """The example with more parameters of its deployment."""
    return text + "".join(f"      {line}\n" for line in lines.splitlines())


def problems(ran: Ran) -> list[str]:
    """Code and place of everything that stopped an import."""
    return [f"{each['code']} {each['line']}:{each['column']}" for each in ran.report["check"]["problems"]]


# Prices


@pytest.mark.parametrize(
    ("written", "per_million"),
    [
        ("1e-6", "1"),
        ("0.0000025", "2.5"),
        ("2.5E-6", "2.5"),
        ("1.5e-07", "0.15"),
        ("0.00000015", "0.15"),
        (".0000015", "1.5"),
        ('"2e-6"', "2"),
        ("0.0000011", "1.1"),
        ("0.05e-6", "0.05"),
        ("1.23456789012e-5", "12.3456789012"),
        ("0", "0"),
        ("0.0", "0"),
        ("0.00001", "10"),
        ("0.000100", "100"),
        ("1e-18", "0.000000000001"),
    ],
)
def test_prices_keep_every_digit(written: str, per_million: str, tmp_path: Path) -> None:
    ran = run(tmp_path, "litellm", ONE.replace("2.5e-6", written))
    row = ran.loaded("models/gpt-4o.yaml")["token_costs"][0]
    assert row["per_million_tokens"]["text_input"] == per_million
    model = load_repository(ran.out)[0].models.files["models/gpt-4o.yaml"]
    assert model.token_costs[0].per_million_tokens.text_input == Decimal(per_million)


def test_control_floats_would_not_keep_them() -> None:
    assert float("0.05e-6") * 1_000_000 != 0.05


@given(st.decimals(min_value=Decimal("1e-12"), max_value=Decimal("0.01"), places=24, allow_nan=False))
def test_a_price_per_million_is_exactly_a_million_times_the_price(price: Decimal) -> None:
    assert Fraction(prices.plain(prices.per_million(price))) == Fraction(price) * 1_000_000


@pytest.mark.parametrize("written", ["free", "-1e-6", "1e-40", "1e40", "1e4", "nan", "[1]", "2.5e-6 USD"])
def test_what_is_no_price_is_left_out(written: str, tmp_path: Path) -> None:
    ran = run(tmp_path, "litellm", ONE.replace("2.5e-6", written))
    assert ("left out", "not a price per token") in ran.said_of("model_list[0].litellm_params.input_cost_per_token")
    assert "text_input" not in ran.loaded("models/gpt-4o.yaml")["token_costs"][0]["per_million_tokens"]
    assert ran.code == 1  # the check asks for it


def test_prices_of_both_places_and_of_deployments_that_differ(tmp_path: Path) -> None:
    second = ONE.partition("\n")[2].replace("2.5e-6", "3e-6").replace("openai/gpt-4o", "openai/gpt-4o-2024")
    info = "    model_info: {input_cost_per_token: 9e-6, cache_read_input_token_cost: 1.25e-6}\n"
    ran = run(tmp_path, "litellm", ONE + info + second)
    assert ran.loaded("models/gpt-4o.yaml")["token_costs"][0]["per_million_tokens"] == {
        "text_input": "2.5", "cached_text_input": "1.25", "text_output": "10",
    }  # fmt: skip
    assert ran.said_of("model_list[0].model_info.input_cost_per_token")[0][0] == "left out"
    assert ("changed", "priced like the deployment in line 2: a model has one price") in ran.said_of(
        "model_list[1].model_name"
    )


def test_a_model_without_a_price_is_written_and_the_report_begins_with_it(tmp_path: Path) -> None:
    bare = "\n".join(line for line in ONE.splitlines() if "cost" not in line)
    ran = run(tmp_path, "litellm", bare, form="text")
    assert ran.code == 1
    assert "token_costs" not in ran.loaded("models/gpt-4o.yaml")
    first = ran.stdout.split("\n\n")[1]
    assert first.startswith("Check does not pass yet, 1 error:\n  models/gpt-4o.yaml:3:1 error[price-missing]")
    assert "--prices FILE" in first
    assert run_cli("check", "--root", ran.out, cwd=tmp_path).returncode == 1


def test_a_price_list_is_asked_for_exact_names_alone(tmp_path: Path) -> None:
    bare = "\n".join(line for line in ONE.splitlines() if "cost" not in line)
    listed = tmp_path / "list.json"
    listed.write_text('{"gpt-4": {"input_cost_per_token": 3e-05, "output_cost_per_token": 6e-05}}')
    assert run(tmp_path, "litellm", bare, "--prices", str(listed)).code == 1
    listed.write_text('{"gpt-4o": {"input_cost_per_token": 1.1e-06, "output_cost_per_token": 6e-05, "mode": "chat"}}')
    ran = run(tmp_path, "litellm", bare, "--prices", str(listed), out="again")
    assert ran.code == 0
    assert ran.loaded("models/gpt-4o.yaml")["token_costs"][0]["per_million_tokens"]["text_input"] == "1.1"


@pytest.mark.parametrize("content", ["[]", "{", "\xff", '{"a": ' * 9000])
def test_a_price_list_that_is_none_is_wrong_usage(content: str, tmp_path: Path) -> None:
    listed = tmp_path / "list.json"
    listed.write_text(content, "latin-1")
    assert run(tmp_path, "litellm", ONE, "--prices", str(listed)).code == 2
    assert run(tmp_path, "litellm", ONE, "--prices", str(tmp_path / "none.json")).code == 2


def test_prices_start_where_the_option_says(tmp_path: Path) -> None:
    ran = run(tmp_path, "litellm", ONE, "--start", "2025-07-01")
    assert ran.loaded("models/gpt-4o.yaml")["token_costs"][0]["start"] == "2025-07-01"
    assert run(tmp_path, "litellm", ONE, "--start", "July", out="again").code == 2


# Secrets

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


# Addresses


@pytest.mark.parametrize(
    ("model", "url", "base_url", "provider"),
    [
        ("openai/m", "https://api.openai.com/v1/", None, "openai"),
        ("openai/m", "https://api.openai.com", None, "openai"),
        ("openai/m", "https://eu.api.openai.com/v1", "https://eu.api.openai.com/v1", "openai"),
        ("anthropic/m", "https://api.anthropic.com", None, "anthropic"),
        ("anthropic/m", "https://proxy.example", "https://proxy.example/v1", "anthropic"),
        ("ollama/m", "http://localhost:11434", None, "ollama"),
        ("ollama/m", "http://localhost:9999/api/generate", "http://localhost:9999/v1", "ollama"),
        ("ollama_chat/m", "https://ollama.example", "https://ollama.example/v1", "ollama"),
        ("hosted_vllm/m", "http://0.0.0.0:8000/v1", "http://127.0.0.1:8000/v1", "vllm"),
        ("together_ai/m", None, None, "together"),
        ("azure/m", "https://a.azure.example/openai/v1/", "https://a.azure.example/openai/v1/", "openai"),
        ("azure/m", "https://a.azure.example/openai/deployments/d", "https://a.azure.example", "azure"),
        ("azure/m", "https://a.azure.example/", "https://a.azure.example/", "azure"),
        ("gemini/m", "https://generativelanguage.googleapis.com/v1beta", None, "gemini"),
        ("gpt-4o", None, None, "openai"),
        ("claude-3-opus", None, None, "anthropic"),
        ("litellm_proxy/m", "https://proxy.example/v1", "https://proxy.example/v1", "openai"),
    ],
)
def test_addresses(model: str, url: str | None, base_url: str | None, provider: str, tmp_path: Path) -> None:
    text = ONE.replace("openai/gpt-4o", model) + (f"      api_base: {url}\n" if url else "")
    ran = run(tmp_path, "litellm", text)
    assert ran.code == 0, ran.said
    (endpoint,) = ran.loaded("regions/europe-west1.yaml")["endpoints"].values()
    assert (endpoint.get("base_url"), endpoint["provider"]) == (base_url, provider)


@pytest.mark.parametrize(
    ("model", "params", "reason"),
    [
        ("azure/m", "", "AZURE_API_BASE; say it with --env AZURE_API_BASE=VALUE"),
        ("azure/m", "api_base: os.environ/BASE", "say it with --env BASE=VALUE"),
        ("hosted_vllm/m", "", "HOSTED_VLLM_API_BASE"),
        ("azure/m", "api_base: http://a.example", "plain http to another machine"),
        ("azure/m", "api_base: http://169.254.169.254/", "metadata"),
        ("azure/m", "api_base: <your-endpoint>", "not a base URL"),
        ("azure/", "api_base: https://a.example", "no model, or deployment"),
        ("bedrock/m", "", "needs api_base and api_key"),
        ("bedrock/m", "api_base: text", "not a base URL"),
        ("sagemaker/m", "", "not in the provider registry"),
        ("openia/m", "", "did you mean 'openai'?"),
        ("llama-3", "", "nothing says which provider"),
        ("openai/*", "", "a wildcard"),
        ("groq/m", "", "groq cannot serve image_generation models here"),
        ("azure/m", "api_base: https://a.example\ntenant_id: t\nclient_id: c\nclient_secret: s", "--account ID makes"),
    ],
)
def test_why_a_deployment_is_left_out(model: str, params: str, reason: str, tmp_path: Path) -> None:
    text = with_params(params, ONE.replace("openai/gpt-4o", model))
    if "client_secret" in params:
        text = text.replace("      api_key: os.environ/OPENAI_API_KEY\n", "")
    if "image" in reason:
        text += "    model_info: {mode: image_generation}\n"
    other = ONE.partition("\n")[2].replace("gpt-4o", "other")
    ran = run(tmp_path, "litellm", text + other)
    assert ran.code == 0
    assert list(ran.loaded("regions/europe-west1.yaml")["models"]) == ["other"]
    (message,) = [each["message"] for each in ran.report["items"] if "the deployment of 'gpt-4o'" in each["message"]]
    assert reason in message


def test_variables_of_the_file_and_of_the_option_fill_in_addresses(tmp_path: Path) -> None:
    text = with_params("api_base: os.environ/BASE\napi_version: ${VERSION}", ONE.replace("openai/", "azure/"))
    own = "environment_variables: {BASE: https://from-file.example, SOME_API_KEY: secret-in-the-file-123}\n"
    ran = run(tmp_path, "litellm", text + own)
    (endpoint,) = ran.loaded("regions/europe-west1.yaml")["endpoints"].values()
    assert (endpoint["base_url"], "version" in endpoint) == ("https://from-file.example", False)
    given = ("--env", "BASE=https://given.example", "--env", "VERSION=2024-10-21")
    ran = run(tmp_path, "litellm", text + own, *given, out="again")
    (endpoint,) = ran.loaded("regions/europe-west1.yaml")["endpoints"].values()
    assert (endpoint["base_url"], endpoint["version"]) == ("https://given.example", "2024-10-21")


@pytest.mark.parametrize("option", ["NAME", "=x", "BSAE=https://a.example"])
def test_a_variable_that_nobody_asks_for_is_wrong_usage(option: str, tmp_path: Path) -> None:
    text = with_params("api_base: os.environ/BASE", ONE)
    ran = run(tmp_path, "litellm", text, "--env", option)
    assert ran.code == 2
    assert "BSAE" not in option or "did you mean 'BASE'?" in ran.stderr


# Bad input


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "file-empty 1:1"),
        ("model_list: [", "yaml-syntax 1:14"),
        ("- a\n", "type-wrong 1:1"),
        ("just text", "type-wrong 1:1"),
        ("general_settings: {}\n", "key-missing 1:1"),
        ("model_list: null\n", "key-missing 1:1"),
        ("model_list: []\n", "value-invalid 1:13"),
        ("model_list: {a: b}\n", "type-wrong 1:13"),
        ("model_list:\n  - text\n", "type-wrong 2:5"),
        ("model_list:\n  - litellm_params: {model: openai/a}\n", "key-missing 2:5"),
        ("model_list:\n  - model_name: a\n", "key-missing 2:5"),
        ("model_list:\n  - {model_name: a, litellm_params: text}\n", "key-missing 2:5"),
        ("model_list:\n  - {model_name: a, litellm_params: {api_key: b}}\n", "key-missing 2:37"),
        ("model_list: &a\n  - *a\n", "yaml-alias 1:13"),
        ("model_list: !!python/object:a {}\n", "yaml-tag 1:13"),
        ("a: 1\n---\nmodel_list: []\n", "yaml-documents 2:1"),
        ("a: 1\na: 2\n", "yaml-duplicate-key 2:1"),
        ("<<: text\n", "yaml-merge-key 1:5"),
        ("? [a]\n: b\n", "yaml-key 1:3"),
        ("model_list:\t[]\n", "file-tab 1:12"),
        ("<<<<<<< ours\n", "file-conflict 1:1"),
        ("a: *b\n", "yaml-alias 1:4"),
        ("[" * 40, "yaml-depth 1:32"),
    ],
)
def test_bad_input_is_refused_at_its_place(text: str, expected: str, tmp_path: Path) -> None:
    ran = run(tmp_path, "litellm", text)
    assert ran.code == 1
    assert problems(ran)[0] == expected
    assert not ran.out.exists()


def test_two_deployments_with_one_id_are_refused_with_both_places(tmp_path: Path) -> None:
    second = ONE.partition("\n")[2]
    info = "    model_info: {id: same}\n"
    ran = run(tmp_path, "litellm", ONE + info + second + info, form="text")
    assert ran.code == 1
    assert "error[list-duplicate]: two deployments have the id 'same'" in ran.stderr
    assert "config.yaml:15:22" in ran.stderr
    assert "the other one: config.yaml:8:22" in ran.stderr


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    ran = run(tmp_path, "litellm", ONE + "# " + "x" * 2**20)
    assert problems(ran) == ["file-too-large 1:1"]


def test_aliases_that_explode_are_refused(tmp_path: Path) -> None:
    laughs = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))
    merges = "b0: &b0 {x: 1}\n" + "".join(
        f"b{n}: &b{n} {{<<: [{', '.join([f'*b{n - 1}'] * 9)}]}}\n" for n in range(1, 9)
    )
    for text in (laughs, merges):
        assert problems(run(tmp_path, "litellm", text + ONE))[0].startswith("yaml-alias")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    ran = run_cli("import", "litellm", "none.yaml", "--out", "out", cwd=tmp_path)
    assert ran.returncode == 1
    assert "error[file-unreadable]: cannot be read: No such file or directory" in ran.stderr


def test_merge_keys_mean_what_pyyaml_makes_of_them(tmp_path: Path) -> None:
    text = """\
a: &a {x: 1, y: 1, z: 1}
b: &b {<<: *a, y: 2, w: 2}
c: {<<: [*b, *a], z: 3}
d: {z: 4, <<: *b}
"""
    (tmp_path / "merged.yaml").write_text(text)
    value, found = source.read(tmp_path / "merged.yaml")
    assert not found
    assert value is not None
    assert texts.data(value) == yaml.safe_load(text)


def test_scalars_are_what_pyyaml_makes_of_them(tmp_path: Path) -> None:
    text = "[True, no, ON, 20_000, -5, 0.5, '1', ~, Null, abc, 1.5e+3, 2024, \"yes\"]"
    (tmp_path / "scalars.yaml").write_text(text)
    value, _ = source.read(tmp_path / "scalars.yaml")
    assert value is not None
    assert list(texts.data(value)) == yaml.safe_load(text)  # type: ignore[arg-type]


# The folder


def test_a_folder_with_anything_in_it_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "out" / "mine"
    mine.parent.mkdir()
    mine.write_text("mine")
    ran = run(tmp_path, "litellm", ONE)
    assert ran.code == 4
    assert "out is not empty; nothing was written" in ran.stderr
    assert sorted(each for each in tmp_path.rglob("*") if each.is_file()) == [tmp_path / "config.yaml", mine]


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    assert run(tmp_path, "litellm", ONE).code == 4
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert run(tmp_path, "litellm", ONE, out="link").code == 4


def test_an_empty_folder_and_folders_that_do_not_exist_yet_are_fine(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert run(tmp_path, "litellm", ONE).code == 0
    ran = run(tmp_path, "litellm", ONE, out="a/b/c")
    assert ran.code == 0
    assert stat.S_IMODE(ran.out.stat().st_mode) == 0o755
    assert [each.name for each in (tmp_path / "a" / "b").iterdir()] == ["c"]


def test_where_the_disk_refuses_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(ONE)
    ran = run_cli("import", "litellm", "config.yaml", "--out", "/proc/nowhere/out", cwd=tmp_path)
    assert ran.returncode == 5
    assert "cannot write /proc/nowhere/out" in ran.stderr


def test_the_result_is_a_whole_repository(tmp_path: Path) -> None:
    ran = run(tmp_path, "litellm", ONE)
    for arguments in (("check",), ("schema", "--check"), ("build",), ("explain", "example", "gpt-4o")):
        assert run_cli(*arguments, cwd=ran.out).returncode == 0, arguments
    assert (ran.out / ".github" / "workflows" / "check.yml").exists()
    assert not (ran.out / "models" / "gpt-4o-mini.yaml").exists()  # the example of a new repository


@pytest.mark.parametrize("options", [("--region", "Zürich"), ("--account", "-"), ("--region", "a" * 60)])
def test_ids_that_no_file_could_have_are_wrong_usage(options: tuple[str, ...], tmp_path: Path) -> None:
    ran = run(tmp_path, "litellm", ONE, *options)
    assert ran.code == 2
    assert options[0] in ran.stderr


# What holds for any configuration

NAMES = st.sampled_from(["gpt-4o", "a/b", "GPT 4", "gpt.4", "a:b", "x" * 130, "-", "true", "1e5", "é", "*", "none"])
MODELS = st.sampled_from(
    ["openai/a", "azure/b", "gpt-4o", "ollama/c:7b", "hosted_vllm/x/y", "bedrock/z", "anthropic/claude", "no/way",
     "openai/1e5", "openai/text-embedding-3", "groq/whisper-1", "cohere/rerank-v3", "azure/", "openai/*"]
)  # fmt: skip
URLS = st.sampled_from(
    ["https://a.example", "https://a.example/v1/", "http://0.0.0.0:1", "http://b.example", "os.environ/BASE", "text",
     "https://x:y@a.example", "https://a.azure.example/openai/deployments/d", "https://a.azure.example/openai/v1"]
)  # fmt: skip
KEYS = st.sampled_from(["os.environ/K", "one", "two", "${K}", "", "sm://example-prod/a", "os.environ/", "ref+env://"])
SCALARS = st.one_of(st.integers(-5, 10**13), st.floats(), st.booleans(), st.none(), st.text(max_size=5), NAMES)
LISTS = st.one_of(st.lists(NAMES, max_size=3), SCALARS)
PRICES = st.sampled_from(["1e-6", "0.000002", 0, 1e-05, "free", None, -1])
PARAMS = st.fixed_dictionaries(
    {"model": MODELS},
    optional={
        "api_base": URLS, "api_key": KEYS, "api_version": st.sampled_from(["2024-10-21", "v1", 5]), "timeout": SCALARS,
        "weight": SCALARS, "tags": LISTS, "order": SCALARS, "input_cost_per_token": PRICES, "temperature": SCALARS,
        "output_cost_per_token": PRICES, "stop": LISTS, "rpm": SCALARS, "litellm_credential_name": NAMES,
        "tenant_id": NAMES, "client_id": NAMES, "client_secret": KEYS, "auth_header_name": NAMES,
    },
)  # fmt: skip
INFO = st.fixed_dictionaries(
    {},
    optional={
        "mode": st.sampled_from(["chat", "embedding", "rerank", "realtime", "video", None, 1]), "access_groups": LISTS,
        "base_model": NAMES, "upstream_max_batch_inputs": SCALARS, "input_cost_per_token": PRICES, "priority": SCALARS,
        "default_params": st.dictionaries(NAMES, LISTS, max_size=2),
    },
)  # fmt: skip
FALLBACKS = st.lists(st.dictionaries(NAMES, LISTS, max_size=2), max_size=4)
IDS = st.sampled_from(["one", "Two", "gpt-4o-0", "GPT 4-0"])
STRATEGIES = st.sampled_from(["weighted", "priority-based-routing", "least-busy", None])
GROUPS = st.fixed_dictionaries(
    {"key": NAMES},
    optional={
        "strategy": STRATEGIES, "enabled": st.booleans(), "access_groups": LISTS,
        "members": st.lists(
            st.fixed_dictionaries({"deployment_id": IDS}, optional={"weight": SCALARS, "priority": SCALARS}), max_size=4
        ),
    },
)  # fmt: skip
CONFIGS = st.fixed_dictionaries(
    {
        "model_list": st.lists(
            st.fixed_dictionaries(
                {"model_name": NAMES, "litellm_params": PARAMS},
                optional={"model_info": INFO, "deployment_id": IDS, "named_credential_id": NAMES},
            ),
            min_size=1, max_size=6, unique_by=lambda each: each.get("deployment_id") or id(each),
        )
    },
    optional={
        "litellm_settings": st.fixed_dictionaries(
            {}, optional={"fallbacks": FALLBACKS, "context_window_fallbacks": FALLBACKS, "default_fallbacks": LISTS}
        ),
        "router_settings": st.fixed_dictionaries(
            {},
            optional={
                "model_group_alias": st.dictionaries(NAMES, NAMES, max_size=3), "fallbacks": FALLBACKS,
                "routing_strategy": STRATEGIES, "route_groups": st.lists(GROUPS, max_size=3),
            },
        ),
        "credential_list": st.just([{"credential_name": "gpt-4o", "credential_values": {"api_key": "os.environ/S"}}]),
    },
)  # fmt: skip
TO_ANSWER = ("price-missing", "price-unit-missing", "price-output-below-input", "price-unit", "auth-header")
"""What only people can say: prices that the source has not, or that are odd, and headers that it has wrong."""


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(config=CONFIGS, own=st.booleans(), kind=st.sampled_from(["litellm", "deltallm"]))
def test_whatever_comes_in_the_result_is_sound(
    config: dict[str, Any], own: bool, kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("any")
    text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
    ran = run(folder, kind, text, *(("--account", "acme") if own else ()))
    assert ran.code in (0, 1)
    if ran.stderr.startswith("error"):
        assert not ran.out.exists()
        return
    codes = {each["code"] for each in ran.report["check"]["problems"] if each["severity"] == "error"}
    assert codes <= set(TO_ANSWER), ran.report["check"]["problems"]
    assert ran.out.exists() is (ran.report["carried"] > 0)
    assert ran.report["carried"] == sum(
        each["outcome"] == "carried" and "served" in each["message"] and each["item"].endswith("model_name")
        for each in ran.report["items"]
    )
