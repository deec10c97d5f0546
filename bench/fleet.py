"""Generates a fleet of any size: the same bytes for the same number."""

from __future__ import annotations

from pathlib import Path

MODELS = ("gpt-4o", "gpt-4o-mini", "gpt-4.1", "text-embedding-3-large")

_ACCOUNT = """\
account: account-{n:05}
description: Customer number {n}
region: europe-west6
source: auto
tier: pro
access: {{groups: [general]}}
endpoints:
  default:
    provider: azure
    version: "2024-10-21"
    base_url: https://account-{n:05}.azure.example/
    deployment_prefix: custom-
    supported_models: [gpt-4o, gpt-4o-mini, gpt-4.1, text-embedding-3-large]
    oauth:
      token_url: https://login.example/{n:05}/oauth2/v2.0/token
      client_id: client-{n:05}
      client_secret: ref+gcpsecrets://example-llm-prod/account-{n:05}-oauth
      scopes: ["api://account-{n:05}/.default"]
"""
_MODEL = """\
code: {code}
type: {kind}
access_groups: [general]
token_costs:
  - start: 2024-05-13
    currency: USD
    per_million_tokens: {{text_input: 5.00{output}}}
  - start: 2024-10-01
    currency: USD
    per_million_tokens: {{text_input: 2.50{output}}}
"""
_REGION = """\
region: europe-west6
endpoints:
  switzerlandnorth:
    provider: azure
    base_url: https://switzerlandnorth.azure.example/
    api_key: ref+gcpsecrets://example-llm-prod/azure-switzerlandnorth
models:
"""


def generate(root: Path, accounts: int) -> None:
    """Write a repository with this many accounts: 12 scalar fields, one OAuth endpoint and four models each."""
    for folder in ("accounts", "regions", "models"):
        (root / folder).mkdir(parents=True)
    (root / "llmcompile.yaml").write_text("version: 1\ntiers: {pro: {requests_per_minute: 60}}\n")
    for code in MODELS:
        embedding = code.startswith("text-embedding")
        kind, output = ("embedding", "") if embedding else ("chat", ", text_output: 10.00")
        (root / "models" / f"{code}.yaml").write_text(_MODEL.format(code=code, kind=kind, output=output))
    served = "".join(f"  {code}: [switzerlandnorth]\n" for code in MODELS)
    (root / "regions" / "europe-west6.yaml").write_text(_REGION + served)
    for number in range(accounts):
        (root / "accounts" / f"account-{number:05}.yaml").write_text(_ACCOUNT.format(n=number))
