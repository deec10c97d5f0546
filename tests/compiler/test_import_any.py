"""What holds for an import of any configuration."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.compiler.importing import run
from tests.compiler.thorough import thorough

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


@pytest.mark.usefixtures("unmeasured")
@thorough(40)
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
