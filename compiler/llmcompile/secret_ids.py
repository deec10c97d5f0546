"""What the secrets are called that hold the compiled documents: one form per kind of document."""

from __future__ import annotations

from typing import Literal

Kind = Literal["CUSTOMER_LLM_CONFIG", "ROUTER_POLICY", "PROVISIONED_OPENAI_CONFIG"]

_FORMS: dict[Kind, str] = {
    "CUSTOMER_LLM_CONFIG": "{}_llm_config",
    "ROUTER_POLICY": "{}_llm_policy",
    "PROVISIONED_OPENAI_CONFIG": "azure_openai_{}",
}


def secret_id(kind: Kind, owner: str) -> str:
    """The id of the secret that holds a document of an account or region."""
    return _FORMS[kind].format(owner)
