"""What becomes of single settings in an import: addresses, types, names, routes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.compiler.importing import ONE, run, with_params


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
        ("openai/m", "api_base: 'https://[x'", "not a URL"),
        ("openai/m", "api_base: https://a.example/openai/deployments/d", "which the router adds itself"),
        ("openai/m", "api_base: sk-abcdefghijklmnopqrstuvwx", "it looks like a secret"),
        ("azure/m", "api_base: https://a.example\nclient_secret: s", "client_secret without tenant_id or client_id"),
        ("openai/m", "auth_header_format: 'sk-abcdefghijklmnopqrstuvwx {api_key}'", "it looks like a secret"),
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
    own = ("--account", "acme") if "without" in reason else ()
    if "client_secret" in params:
        text = text.replace("      api_key: os.environ/OPENAI_API_KEY\n", "")
    if "image" in reason:
        text += "    model_info: {mode: image_generation}\n"
    other = ONE.partition("\n")[2].replace("gpt-4o", "other")
    ran = run(tmp_path, "litellm", text + other, *own)
    assert ran.code == 0
    assert [name for name in ran.files if "models" in name] == ["models/other.yaml"]
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


def entry(name: str, **more: Any) -> dict[str, Any]:
    """A deployment at OpenAI, with prices."""
    costs = {"input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06}
    params = {"model": f"openai/{name}", "api_key": "os.environ/K", **costs, **more.pop("params", {})}
    return {"model_name": name, "litellm_params": params, **more}


def dumped(*entries: dict[str, Any], **sections: Any) -> str:
    return yaml.safe_dump({"model_list": list(entries), **sections}, sort_keys=False)


@pytest.mark.parametrize(
    ("name", "mode", "expected"),
    [
        ("gpt-realtime", None, {"type": "realtime", "realtime": "true"}),
        ("gpt-4o", "realtime", {"type": "realtime", "realtime": "true"}),
        ("text-embedding-3", None, {"type": "embedding"}),
        ("whisper-1", None, {"type": "audio_transcription"}),
        ("tts-1", None, {"type": "audio_speech"}),
        ("settings-model", None, {"type": "chat"}),
        ("gpt-image-1", None, {"type": "image_generation"}),
        ("gpt-4o", "responses", {"type": "chat"}),
        ("gpt-4o", "video_generation", {"type": "chat"}),
    ],
)
def test_types(name: str, mode: str | None, expected: dict[str, str], tmp_path: Path) -> None:
    ran = run(tmp_path, "litellm", dumped(entry(name, model_info={"mode": mode})))
    assert ran.code == 0
    model = ran.loaded(f"models/{name}.yaml")
    assert {key: model[key] for key in ("type", "realtime") if key in model} == expected
    by_name = mode is None and expected["type"] != "chat"
    assert any(each.startswith("no mode is written") for _, each in ran.said_of("model_list[0].model_name")) is by_name
    # The other proxy has a rule instead of guesses.
    assert run(tmp_path, "deltallm", dumped(entry(name)), out="o").loaded(f"models/{name}.yaml")["type"] == "chat"


def test_deployments_that_do_not_agree_on_their_type(tmp_path: Path) -> None:
    both = entry("a", model_info={"mode": "embedding"}), entry("a", params={"order": 1}, model_info={"mode": "chat"})
    ran = run(tmp_path, "litellm", dumped(*both))
    assert ran.loaded("models/a.yaml")["type"] == "embedding"
    assert ran.said_of("model_list[1].model_info.mode") == [
        ("left out", "a model has one type; another of its deployments says embedding")
    ]


def test_aliases_that_lead_nowhere_or_are_taken(tmp_path: Path) -> None:
    alias = {"a": "b", "${x}": "a", "c": "gone", "fine": {"model": "a", "hidden": True}}
    ran = run(tmp_path, "litellm", dumped(entry("a"), entry("b"), router_settings={"model_group_alias": alias}))
    outcomes = {name: ran.said_of(f"router_settings.model_group_alias.{name}")[0][0] for name in alias}
    assert outcomes == {"a": "left out", "${x}": "left out", "c": "left out", "fine": "carried"}
    assert "models/fine.yaml" in ran.files


def test_fallbacks_that_are_written_twice(tmp_path: Path) -> None:
    both = {
        "litellm_settings": {"fallbacks": [{"a": ["c"]}]},
        "router_settings": {"fallbacks": [{"a": ["b", "b", "a"]}]},
    }
    ran = run(tmp_path, "litellm", dumped(entry("a"), entry("b"), entry("c"), **both))
    assert ran.loaded("models/a.yaml")["fallbacks"] == ["b"]
    said = [ran.said_of(f"router_settings.fallbacks[0].a[{index}]")[0][1] for index in (1, 2)]
    assert [each.rpartition(": ")[2] for each in said] == ["it is one already", "a model does not fall back to itself"]
    assert ran.said_of("litellm_settings.fallbacks")[0][0] == "left out"


def test_what_is_no_route_group_and_no_batching(tmp_path: Path) -> None:
    groups = [
        {"members": []},
        {"key": "g", "members": [{"deployment_id": "a-0", "lane": "x"}, {"deployment_id": "a-0"}]},
    ]
    batching = {"mode": "sync_microbatch", "upstream_max_batch_size": 1}
    first = entry("a", params={"chat_batching": batching})
    second = entry("e", params={"chat_batching": {"mode": "concurrent"}}, model_info={"mode": "embedding"})
    ran = run(tmp_path, "deltallm", dumped(first, second, router_settings={"route_groups": groups}))
    assert ran.code == 0
    left_out = {each["item"]: each["message"] for each in ran.report["items"] if each["outcome"] == "left out"}
    assert left_out == {
        "model_list[0].litellm_params.chat_batching": "not settings of batches here: sync_microbatch needs "
        "upstream_max_batch_size of at least 2",
        "model_list[1].litellm_params.chat_batching": "only chat models batch chats",
        "router_settings.route_groups[0]": "a route group without a key",
        "router_settings.route_groups[1].members[0].lane": "a member has a model, an endpoint and a weight here",
        "router_settings.route_groups[1].members[1]": "a member already",
    }


def test_a_variable_that_the_proxy_would_read_by_itself(tmp_path: Path) -> None:
    given = ("--env", "HOSTED_VLLM_API_BASE=https://vllm.example/v1")
    ran = run(tmp_path, "litellm", ONE.replace("openai/", "hosted_vllm/"), *given)
    (endpoint,) = ran.loaded("regions/europe-west1.yaml")["endpoints"].values()
    assert endpoint["base_url"] == "https://vllm.example/v1"
