"""What the secrets are called that hold the compiled documents: one form per kind of document."""

from __future__ import annotations

from typing import Literal

Kind = Literal["CUSTOMER_LLM_CONFIG", "ROUTER_POLICY", "PROVISIONED_OPENAI_CONFIG"]

_FORMS: dict[Kind, str] = {
    "CUSTOMER_LLM_CONFIG": "{}_llm_config",
    "ROUTER_POLICY": "{}_llm_policy",
    "PROVISIONED_OPENAI_CONFIG": "azure_openai_{}",
}

SUBJECTS: dict[str, tuple[Kind, ...]] = {
    "account": ("CUSTOMER_LLM_CONFIG", "ROUTER_POLICY"),
    "region": ("PROVISIONED_OPENAI_CONFIG",),
}


def secret_id(kind: Kind, owner: str) -> str:
    """The id of the secret that holds a document of an account or region."""
    return _FORMS[kind].format(owner)


def subject(kind: Kind, owner: str) -> str:
    """``account/ID`` or ``region/ID``: whose document it is, as commands take it."""
    return f"{next(name for name, kinds in SUBJECTS.items() if kind in kinds)}/{owner}"


def owner_of(secret: str) -> tuple[Kind, str] | None:
    """The kind of document and the account or region that a secret's id names; None where it names none."""
    for kind, form in _FORMS.items():
        before, after = form.split("{}")
        if secret.startswith(before) and secret.endswith(after) and len(secret) > len(before + after):
            return kind, secret[len(before) : len(secret) - len(after)]
    return None
