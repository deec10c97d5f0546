"""Every diagnostic code, with its severity and what it means in a line.

Codes are stable. Each has a page in ``docs/codes`` and a golden case; a test fails where one is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Code:
    """A row of the table."""

    severity: Literal["error", "warning", "note"]
    title: str


def _table(severity: Literal["error", "warning", "note"], rows: dict[str, str]) -> dict[str, Code]:
    return {code: Code(severity, title) for code, title in rows.items()}


_FILES = {
    "file-bom": "the file starts with a byte order mark",
    "file-conflict": "the file holds an unresolved merge conflict",
    "file-empty": "the file says nothing",
    "file-encoding": "the file is not UTF-8",
    "file-missing": "a file or folder that every repository has is not there",
    "file-nul": "the file holds a NUL byte",
    "file-outside": "a symbolic link leaves the repository",
    "file-tab": "the file holds a tab",
    "file-too-large": "the file is larger than any configuration file should be",
    "file-unexpected": "a file that would be ignored silently",
    "file-unreadable": "the file cannot be read",
    "folder-empty": "a folder that must hold at least one file holds none",
}
_YAML = {
    "yaml-alias": "aliases that recurse, or expand to too much",
    "yaml-control": "a control character inside a value",
    "yaml-depth": "nesting deeper than any configuration needs",
    "yaml-documents": "more than one document in a file",
    "yaml-duplicate-key": "the same key twice in one mapping",
    "yaml-interpolation": "a ${...} placeholder; nothing is interpolated",
    "yaml-key": "a key that is not plain text",
    "yaml-merge-key": "a merge key (<<)",
    "yaml-number": "a number outside of what can be represented exactly",
    "yaml-quote": "quotation marks that YAML does not know",
    "yaml-syntax": "not YAML",
    "yaml-tag": "a YAML tag",
}
_SHAPE = {
    "key-conflict": "two keys that exclude each other",
    "key-missing": "a required key is missing",
    "key-unknown": "a key that does not exist",
    "list-duplicate": "the same entry twice in a list",
    "type-wrong": "a value of the wrong type",
    "value-invalid": "a value outside of its range or form",
    "value-unknown": "a value that is not one of the known ones",
}
_NAMES = {
    "key-duplicate": "two router keys with one id or one hash",
    "account-vanished": "an account id that was there before and is gone",
    "model-vanished": "a model code that was there before and is gone",
    "name-collision": "two ids that become one name in a secret store or in Kubernetes",
    "name-invalid": "an id unfit for a secret or a Kubernetes name",
    "name-stem": "a file named differently from the id inside",
    "name-taken": "a route group named like a model",
    "previously-taken": "a former id that is somebody's again",
}
_REFERENCES = {
    "credential-unknown": "a credential that llmcompile.yaml does not declare",
    "endpoint-unknown": "an endpoint that is not declared",
    "fallback-unknown": "a fallback to a model that is not in the catalogue",
    "group-unknown": "an access group that nothing declares",
    "model-unknown": "a model that is not in the catalogue",
    "region-unknown": "a region without a file",
    "team-unknown": "a key of a team that the account does not declare",
    "tier-unknown": "a tier that llmcompile.yaml does not declare",
}
_PRICES = {
    "price-currency": "not a currency of ISO 4217",
    "price-currency-mixed": "one model priced in two currencies",
    "price-duplicate": "two price rows that start at one instant",
    "price-gap": "a time between two price rows without a price",
    "price-history": "a price row that has held and was changed or removed",
    "price-missing": "a served model without a price between now and the horizon",
    "price-negative": "a price below zero",
    "price-order": "price rows that do not ascend",
    "price-output-below-input": "a generating model whose output costs less than its input",
    "price-overlap": "two price rows that hold at one time",
    "price-reversed": "a price row that ends before it starts",
    "price-unit": "a price off by a factor of 1,000 or more against its siblings",
    "price-unit-missing": "a price row without a unit that the model's type needs",
}
_ACCESS = {
    "access-conflict": "a team that inherits and restricts at once",
    "access-fallback": "a fallback that gives a model which the access groups do not",
    "access-key": "a key wider than its parent",
    "access-route-group": "a route group that gives a model which the access groups do not",
    "access-team": "a team wider than its account",
    "group-name": "a badly spelled access group",
}
_BUDGETS = {
    "budget-currency": "a budget in a currency that nothing it covers is priced in",
    "budget-order": "a hard budget below the soft one",
}
_ENDPOINTS = {
    "api-version": "an Azure API version of the wrong shape",
    "api-version-sunset": "an API version that the upstream has withdrawn",
    "auth-conflict": "more than one way to authenticate",
    "auth-header": "an auth_header that could not work",
    "auth-missing": "no way to authenticate",
    "auth-unsupported": "a way to authenticate that the provider or the place does not have",
    "base-url-missing": "a provider without a default base URL, and none written",
    "batching-mode": "batch settings that contradict each other or are reserved",
    "batching-type": "batch settings where they cannot apply",
    "credential-provider": "a credential of another provider",
    "provider-capability": "a model of a type that the provider cannot serve",
    "provider-conflict": "a model whose prefix names another provider than its endpoint's",
    "provider-missing": "an endpoint without a provider",
    "provider-unknown": "a provider that is not in the registry",
    "url-credentials": "credentials inside a URL",
    "url-path": "a base URL that goes on to what the router adds",
    "url-insecure": "plain http to another machine",
    "url-invalid": "not a base URL",
    "url-metadata": "an address of cloud metadata",
}
_ROUTING = {
    "document-too-large": "a document that the secret store would refuse",
    "fallback-batch": "a fallback that takes smaller batches",
    "fallback-cycle": "fallbacks that lead back to where they started",
    "fallback-type": "a fallback to a model of another kind",
    "model-retired": "a model past its retirement that is still served",
    "model-unreachable": "a model that may be called and that no endpoint serves",
    "residency": "a path that leaves the geography which its account keeps to",
    "residency-unknown": "an endpoint that does not say where it processes data",
    "route-empty": "a list of endpoints, models or members that is empty",
    "route-type": "a route group over models of different kinds",
    "survival": "a model that one outage strands, and that must survive it",
}
_SECRETS = {
    "ref-embedded": "a ref that is only a part of a value",
    "ref-invalid": "a ref that points nowhere",
    "ref-misplaced": "a ref in a field that holds no secret",
    "secret-expired": "a key or client secret past its expiry",
    "secret-literal": "a secret written out",
    "store-invalid": "a store of a kind that does not exist",
}
_WARNINGS = {
    "access-empty": "a grant that gives nothing",
    "budget-partial": "a budget that cannot count some of the models it covers",
    "budget-unreachable": "a budget of an account that never uses the platform",
    "credential-overrides": "an endpoint's own field that its credential overrides",
    "deployment-unlikely": "an upstream's own name that seems to be another model's, or misspelled",
    "endpoint-same": "two endpoints that are one deployment",
    "endpoint-unused": "an endpoint that nothing uses",
    "group-unlikely": "an access group that nobody has, a letter away from one that somebody has",
    "host-unlikely": "a host that does not fit its endpoint",
    "model-ungranted": "a model that the platform serves and nobody may call",
    "oauth-unlikely": "an id or a scope of OAuth that seems to be cut or misspelled",
    "param-unlikely": "a request parameter that the API does not know, or outside of its range",
    "prefix-unused": "a deployment prefix in front of no name",
    "prefix-separator": "a deployment prefix that ends in no separator",
    "price-cached": "cached input that costs more than input, or next to nothing",
    "price-date": "a price of another age",
    "price-jump": "a price that changes by more than a factor of 3",
    "price-witness": "a price that a second witness does not confirm",
    "price-unit-gap": "a unit that the next price row leaves out",
    "reachability": "a model that may be called in one region of its account and not in another",
    "type-unlikely": "a model's type that its code or its prices contradict",
    "tier-unreachable": "a tier of an account that never uses the platform",
}
_NOTES = {
    "group-empty": "an access group that no model carries yet",
    "provider-prefix": "a provider written as a prefix of the model's name",
    "tier-unused": "a tier that no account and no key has",
}

CODES: dict[str, Code] = {
    **_table("error", _FILES | _YAML | _SHAPE | _NAMES | _REFERENCES),
    **_table("error", _PRICES | _BUDGETS | _ACCESS | _ENDPOINTS | _ROUTING | _SECRETS),
    **_table("warning", _WARNINGS),
    **_table("note", _NOTES),
}
