"""Adopting documents that others made: kept exactly or refused with reasons, secrets left where they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.compiler.adopted import (
    ACCOUNT,
    AS_OF,
    ENDPOINT,
    KEY,
    KEYED,
    NAMES,
    PRICED,
    PROJECT,
    REGION,
    SECRET,
    SECRETS,
    A,
    R,
    StoreSource,
    adopt_from,
    changed,
    compact,
    existing_of,
    foreign_store,
    recompiled,
    tree,
    without_acme,
    without_nulls,
)
from tests.compiler.example import schema
from tests.compiler.repo import FILES, write_repo

from llmcompile.adopt.adopting import Adopted, NotAdoptedError, prove_all, read_all, ref_into
from llmcompile.adopt.claim import claim
from llmcompile.adopt.differences import differences
from llmcompile.adopt.place import move, staged
from llmcompile.adopt.reading import Subject
from llmcompile.adopt.reasons import Reasons, pointer
from llmcompile.adopt.translate import CUSTOMER, PROVISIONED, Unsaid
from llmcompile.errors import OutsideError, RefusedError, UsageError
from llmcompile.pipeline import compile_repository
from llmcompile.push.clock import VirtualClock
from llmcompile.push.directory import DirectoryStore
from llmcompile.push.drift import drifts
from llmcompile.push.look import look
from llmcompile.push.memory import MemoryStore
from llmcompile.push.ownership import Record, is_ours
from llmcompile.push.plan import make_plan
from llmcompile.push.resolve import Payload, Resolver, resolve_all
from llmcompile.push.steady import Steady
from llmcompile.push.store import UncertainError
from llmcompile.store_uri import StoreUri

REVISION = "1f" * 20


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return without_acme(tmp_path / "repo")


def adopted(root: Path, name: str, data: Any, **unsaid: Any) -> Adopted:
    payload = data if isinstance(data, bytes) else compact(data)
    return adopt_from(root, foreign_store({SECRETS[name]: payload}, 2), [name], Unsaid(("europe-west6",), **unsaid))


def refused(root: Path, name: str, data: Any) -> dict[str, str]:
    """The reasons by pointer; the repository stays as it was."""
    before = tree(root)
    with pytest.raises(NotAdoptedError) as caught:
        adopted(root, name, data)
    assert tree(root) == before
    assert all(each.document == f"{SECRETS[name]} version 3" for each in caught.value.reasons)
    return {pointer(each.route): each.message for each in caught.value.reasons}


def test_an_account_as_a_person_would_write_it(root: Path) -> None:
    done = adopted(root, "account/acme", ACCOUNT)
    assert (done.written, done.models, done.refs) == (("accounts/acme.yaml",), ("models/gpt-4.yaml",), 2)
    assert done.proofs[0].same_bytes
    assert (root / "accounts/acme.yaml").read_text("utf-8") == (
        "# yaml-language-server: $schema=../schemas/account.schema.json\n"
        "# Adopted from acme_llm_config version 3, into which the refs point: keep that version until they point"
        " elsewhere.\n"
        "account: acme\n"
        "region: europe-west6\n"
        "endpoints:\n"
        "  default:\n"
        "    provider: azure\n"
        "    version: '2023-05-15'\n"
        "    base_url: https://acme.example-eu.cloud\n"
        "    deployment_prefix: custom-\n"
        "    supported_models: [gpt-4, gpt-4o]\n"
        "    oauth:\n"
        "      token_url: https://login.example.com/token\n"
        "      client_id: 3f2b\n"
        f"      client_secret: ref+gcpsecrets://{PROJECT}/acme_llm_config?version=3#/default/oauth_client_secret\n"
        "      scopes: ['api://x/.default']\n"
        "  spare:\n"
        "    provider: groq\n"
        "    supported_models: [gpt-4o]\n"
        f"    api_key: ref+gcpsecrets://{PROJECT}/acme_llm_config?version=3#/spare/api_key\n"
    )


def test_a_region_as_a_person_would_write_it(root: Path) -> None:
    done = adopted(root, "region/europe-north1", REGION)
    assert done.proofs[0].same_bytes
    assert (root / "regions/europe-north1.yaml").read_text("utf-8").splitlines()[2:] == [
        "region: europe-north1",
        "endpoints:",
        "  north:",
        "    provider: azure",
        "    base_url: https://north.example.com/",
        f"    api_key: ref+gcpsecrets://{PROJECT}/azure_openai_europe-north1?version=3#/endpoints/north/api_key",
        "models:",
        "  gpt-4o: [north]",
    ]


def test_a_model_without_a_file_gets_one_that_check_asks_to_fill_in(root: Path) -> None:
    adopted(root, "account/acme", ACCOUNT)
    compiled = compile_repository(root, AS_OF)
    assert {each.place.file for each in compiled.diagnostics} == {"models/gpt-4.yaml"}
    routes = [each.place.route for each in compiled.diagnostics]
    assert routes == [("type",), *((("token_costs", 0, name)) for name in ("start", "currency", "per_million_tokens"))]
    assert "gpt-4o" in (root / "models/gpt-4o.yaml").read_text()  # the one that was there is as it was
    assert (root / "models/gpt-4o.yaml").read_text() == FILES["models/gpt-4o.yaml"]


def test_several_at_once_and_again(root: Path) -> None:
    store = foreign_store({"acme_llm_config": compact(ACCOUNT), "azure_openai_europe-north1": compact(REGION)})
    first = adopt_from(root, store, NAMES, Unsaid(("europe-north1", "europe-west6")))
    assert first.written == ("accounts/acme.yaml", "regions/europe-north1.yaml")
    assert "regions: [europe-north1, europe-west6]\n" in (root / "accounts/acme.yaml").read_text()
    after = tree(root)
    second = adopt_from(root, store, NAMES, Unsaid(()))
    assert (second.written, second.models, second.refs) == ((), (), 0)
    assert all(each.same_bytes for each in second.proofs)
    assert tree(root) == after
    assert recompiled(root, store, NAMES) == {
        "acme_llm_config": compact(ACCOUNT),
        "azure_openai_europe-north1": compact(REGION),
    }


PLATFORM: dict[str, Any] = {
    "base_url": "http://localhost:11434/v1",
    "api_key": None,
    "provider": "ollama",
    "path_style": "openai",
    "models": {"gpt-4o": "gpt-4o:latest"},
    "timeout_seconds": 12.5,
}
HAND_WRITTEN: dict[str, tuple[str, Any]] = {
    "spacing": (A, json.dumps(ACCOUNT, indent="\t").encode() + b"\r\n\r\n"),
    "key-order": (A, {"spare": dict(reversed(KEYED.items())), "default": ENDPOINT}),
    "escapes": (A, json.dumps(changed(ACCOUNT, ("default", "oauth_client_id"), "Zürich 😀 Öl")).encode()),
    "unicode": (A, changed(ACCOUNT, ("default", "scopes"), ["a\u2028b", "c\u200bd", "ü: #"])),
    "nulls-missing": (A, without_nulls(ACCOUNT)),
    "nulls-more": (A, changed(changed(ACCOUNT, ("spare", "weight"), None), ("spare", "tags"), None)),
    "no-endpoints": (A, {}),
    "words": (A, changed(ACCOUNT, ("default", "supported_models"), ["true", "null", "1e5", "0x1", "010"])),
    "dates": (A, changed(ACCOUNT, ("default", "oauth_client_id"), "2026-01-01")),
    "spaces": (A, changed(ACCOUNT, ("default", "oauth_client_id"), "  a\n b: #c  ")),
    "long": (A, changed(ACCOUNT, ("default", "scopes"), ["word " * 90 + each for each in "xyz"])),
    "renamed": (A, changed(ACCOUNT, ("spare", "models"), {"gpt-4o": "~"})),
    "renamed-prefix": (A, changed(ACCOUNT, ("default", "models"), {"gpt-4o": "1", "gpt-4": "no"})),
    "numbers": (A, changed(changed(ACCOUNT, ("spare", "weight"), 3.0), ("spare", "timeout_seconds"), 1e-7)),
    "default-url": (A, changed(ACCOUNT, ("spare", "base_url"), "https://gateway.example.com/v1")),
    "header": (A, changed(ACCOUNT, ("spare", "auth_header"), {"name": "X-Key", "format": "K {api_key}"})),
    "same-secret": (A, changed(ACCOUNT, ("spare", "api_key"), SECRET)),
    "short-secret": (A, changed(ACCOUNT, ("spare", "api_key"), "groq")),
    "quoted-secret": (A, changed(ACCOUNT, ("spare", "api_key"), "a\"b\\c'd${e}: #f ref+env://A")),
    "region-spacing": (R, json.dumps(REGION, indent=3).encode()),
    "region-without-models": (R, {"endpoints": {}, "models": {}}),
    "region-extras": (
        R,
        {
            "models": {"gpt-4o": ["b-1", "a_2"], "1e5": ["a_2"]},
            "endpoints": {
                "a_2": {"base_url": "https://a.example.com", "api_key": "k", "weight": 2, "tags": ["x"]},
                "b-1": PLATFORM,
            },
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "data"), HAND_WRITTEN.values(), ids=HAND_WRITTEN)
def test_hand_written_documents_are_kept(root: Path, name: str, data: Any) -> None:
    payload = data if isinstance(data, bytes) else compact(data)
    store = foreign_store({SECRETS[name]: payload})
    [proof] = adopt_from(root, store, [name]).proofs
    again = recompiled(root, store, [name])[SECRETS[name]]
    held, compiled = json.loads(payload), json.loads(again)
    assert without_nulls(compiled) == without_nulls(held)
    assert name.startswith("region") or list(compiled) == list(held)
    assert proof.same_bytes is (again == payload)
    assert bool(proof.nulls) is (compiled != held)


REFUSED: dict[str, tuple[str, tuple[str | int, ...], Any, str, str]] = {
    "unknown-key": (A, ("spare", "apikey"), "x", "/spare/apikey", "did you mean 'api_key'?"),
    "yaml-key": (A, ("spare", "credential"), "x", "/spare/credential", "does not know"),
    "batching": (A, ("spare", "chat_batching"), {}, "/spare/chat_batching", "does not know"),
    "odd-key": (A, ("spare", "a/b~c"), 1, "/spare/a~1b~0c", "does not know"),
    "provider": (A, ("spare", "provider"), "groqq", "/spare/provider", "[provider-unknown]"),
    "provider-alias": (A, ("default", "provider"), "azure_openai", "/default/provider", "not the same"),
    "provider-missing": (A, ("spare", "provider"), ..., "/spare", "[provider-missing]"),
    "provider-type": (A, ("spare", "provider"), 5, "/spare/provider", "[type-wrong]"),
    "http": (A, ("default", "base_url"), "http://a.example.com", "/default/base_url", "[url-insecure]"),
    "metadata": (A, ("spare", "base_url"), "http://169.254.169.254", "/spare/base_url", "[url-metadata]"),
    "url-missing": (A, ("default", "base_url"), None, "/default", "[base-url-missing]"),
    "url-added": (A, ("spare", "base_url"), None, "/spare/base_url", "not the same in"),
    "token-url": (A, ("default", "oauth_token_url"), "http://a.b", "/default/oauth_token_url", "[url-"),
    "version": (A, ("default", "version"), "v1", "/default/version", "[api-version]"),
    "both-auths": (A, ("default", "api_key"), "k", "/default", "[auth-conflict]"),
    "no-auth": (A, ("spare", "api_key"), None, "/spare", "[auth-missing]"),
    "half-of-oauth": (A, ("default", "scopes"), None, "/default/scopes", "it is missing"),
    "empty-text": (A, ("spare", "deployment_prefix"), "", "/spare/deployment_prefix", "it is empty"),
    "empty-key": (A, ("spare", "api_key"), "", "/spare/api_key", "it is empty"),
    "key-type": (A, ("spare", "api_key"), ["k"], "/spare/api_key", "not text"),
    "key-nul": (A, ("spare", "api_key"), "k\0k", "/spare/api_key", "NUL"),
    "key-line": (A, ("spare", "api_key"), "k\n", "/spare/api_key", "does not print"),
    "key-space": (A, ("spare", "api_key"), " k", "/spare/api_key", "begins or ends with a space"),
    "key-umlaut": (A, ("spare", "api_key"), "kü", "/spare/api_key", "no header can carry"),
    "secret-space": (A, ("default", "oauth_client_secret"), "k ", "/default/oauth_client_secret", "space"),
    "models-empty": (A, ("spare", "supported_models"), [], "/spare/supported_models", "[route-empty]"),
    "models-missing": (A, ("spare", "supported_models"), ..., "/spare/supported_models", "missing"),
    "models-twice": (A, ("spare", "supported_models"), ["a", "a"], "/spare/supported_models/1", "[list-"),
    "models-type": (A, ("spare", "supported_models"), {"a": "b"}, "/spare/supported_models", "not a list"),
    "model-code": (A, ("spare", "supported_models", 0), "a b", "/spare/supported_models/0", "not the name"),
    "model-prefix": (A, ("spare", "supported_models", 0), "groq/x", "/spare/supported_models/0", "not the"),
    "renames-some": (A, ("default", "models"), {"gpt-4": "x"}, "/default/models", "all of them or none"),
    "renames-others": (A, ("spare", "models"), {"x": "y"}, "/spare/models", "all of them or none"),
    "renames-none": (A, ("spare", "models"), {}, "/spare/models", "all of them or none"),
    "renames-list": (A, ("spare", "models"), ["gpt-4o"], "/spare/models", "not an object"),
    "tags-empty": (A, ("spare", "tags"), [], "/spare/tags", "the store has it"),
    "tag": (A, ("spare", "tags"), ["A B"], "/spare/tags/0", "[value-invalid]"),
    "weight": (A, ("spare", "weight"), 0, "/spare/weight", "[value-invalid]"),
    "weight-true": (A, ("spare", "weight"), True, "/spare/weight", "[type-wrong]"),
    "weight-half": (A, ("spare", "weight"), 1.5, "/spare/weight", "[type-wrong]"),
    "timeout": (A, ("spare", "timeout_seconds"), 1e9, "/spare/timeout_seconds", "[value-invalid]"),
    "path-style": (A, ("spare", "path_style"), ..., "/spare/path_style", "does not have it"),
    "path-style-azure": (A, ("default", "path_style"), "azure", "/default/path_style", "the store has it"),
    "header": (A, ("spare", "auth_header"), {"name": "Host", "format": "{api_key}"},
               "/spare/auth_header/name", "[auth-header]"),
    "header-key": (A, ("spare", "auth_header"), {"name": "X", "format": "{api_key}", "x": 1},
                   "/spare/auth_header/x", "[key-unknown]"),
    "endpoint-name": (A, ("A b",), KEYED, "/A b", "[name-invalid]"),
    "endpoint-empty-name": (A, ("",), KEYED, "/", "[yaml-key]"),
    "endpoint-type": (A, ("spare",), [1], "/spare", "[type-wrong]"),
    "endpoint-null": (A, ("spare",), None, "/spare", "[type-wrong]"),
    "control": (A, ("default", "oauth_client_id"), "a\x07", "/default/oauth_client_id", "control character"),
    "tab": (A, ("default", "scopes", 0), "a\tb", "/default/scopes/0", "control character"),
    "interpolation": (A, ("default", "oauth_client_id"), "${A}", "/default/oauth_client_id", "${...}"),
    "literal": (A, ("default", "oauth_client_id"), "sk-" + "a" * 20, "/default/oauth_client_id", "looks li"),
    "literal-key": (A, ("gsk_" + "a" * 20,), KEYED, "", "a key here looks like a secret"),
    "secret-elsewhere": (A, ("default", "oauth_client_id"), f"x{KEY}", "/default/oauth_client_id", "holds o"),
    "secret-in-url": (A, ("spare", "base_url"), f"https://a.example/{KEY}", "/spare/base_url", "holds one"),
    "secret-as-key": (A, ("spare", KEY), 1, "/spare", "a key here holds one of the document's secrets"),
    "surrogate": (A, ("default", "oauth_client_id"), "\ud800", "/default/oauth_client_id", "half of a char"),
    "nan": (A, ("spare", "weight"), float("nan"), "/spare/weight", "JSON does not know"),
    "infinite": (A, ("spare", "timeout_seconds"), float("inf"), "/spare/timeout_seconds", "JSON does not"),
    "too-long": (A, ("default", "oauth_client_id"), "x" * 501, "/default/oauth_client_id", "[value-inv"),
    "region-unknown-key": (R, ("more",), {}, "/more", "does not know"),
    "region-no-models": (R, ("models",), ..., "/models", "it is missing"),
    "region-models-null": (R, ("models",), None, "/models", "it is missing"),
    "region-models-list": (R, ("models",), [], "/models", "not an object"),
    "region-endpoint": (R, ("models", "gpt-4o", 0), "x", "/models/gpt-4o/0", "[endpoint-unknown]"),
    "region-route": (R, ("models", "gpt-4o"), [], "/models/gpt-4o", "[route-empty]"),
    "region-code": (R, ("models", "a b"), ["north"], "/models/a b", "not the name of a model"),
    "region-azure": (R, ("endpoints", "north", "provider"), "azure", "/endpoints/north/provider",
                     "the store has it"),
    "region-oauth": (R, ("endpoints", "north", "oauth_token_url"), "https://a.b",
                     "/endpoints/north/oauth_token_url", "does not know"),
    "region-unserved": (R, ("endpoints", "north", "models"), {"gpt-4": "x"},
                        "/endpoints/north/models", "the store has it"),
    "region-keyless": (R, ("endpoints", "north", "api_key"), None, "/endpoints/north", "[auth-mi"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "route", "value", "place", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_kept_is_refused_at_its_place(
    root: Path, name: str, route: tuple[str | int, ...], value: Any, place: str, message: str
) -> None:
    before = ACCOUNT if name == "account/acme" else REGION
    data = changed(before, route, value)
    payload = compact(data) if "\ud800" not in str(value) else json.dumps(data).encode()
    reasons = refused(root, name, payload)
    assert list(reasons) == [place]
    assert message in reasons[place]
    # The control: what was changed is what is refused.
    assert adopted(root, name, before).written


def test_several_things_wrong_with_one_endpoint(root: Path) -> None:
    reasons = refused(root, "account/acme", changed(ACCOUNT, ("default", "provider"), "groq"))
    assert list(reasons) == ["/default/version", "/default"]
    assert reasons["/default"].endswith("[auth-unsupported]")


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"", "not JSON: Expecting value at line 1, column 1"),
        (b'{"default": {', "not JSON: "),
        (b"\xff\xfe{}", "not UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON: Unexpected UTF-8 BOM"),
        (b"[]", "not an object"),
        (b"null", "not an object"),
        (b'"text"', "not an object"),
        (b"[" * 60_000, "out of bounds"),
        (b"[" * 300 + b"]" * 300, "not an object"),
        (b"1" * 5_000, "out of bounds"),
        (b'{"a":' * 40 + b"{}" + b"}" * 40, ""),
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_document(root: Path, name: str, payload: bytes, message: str) -> None:
    reasons = refused(root, name, payload)
    assert message in next(iter(reasons.values()))


def test_a_key_written_twice_is_refused_where_it_is(root: Path) -> None:
    twice = compact(ACCOUNT).replace(b'"provider":"groq"', b'"provider":"openai","provider":"groq"')
    assert json.loads(twice) == ACCOUNT  # the control: most readers would not notice
    assert refused(root, "account/acme", twice) == {"/spare/provider": "this key is written twice"}


def test_every_reason_of_every_document_is_said_at_once(root: Path) -> None:
    bad = changed(changed(ACCOUNT, ("spare", "apikey"), "x"), ("default", "base_url"), "http://a.example.com")
    bad = changed(changed(bad, ("spare", "api_key"), " k"), ("default", "oauth_client_id"), "a\x07")
    region = changed(REGION, ("endpoints", "north", "api_key"), "")
    store = foreign_store({"acme_llm_config": compact(bad), "azure_openai_europe-north1": compact(region)})
    with pytest.raises(NotAdoptedError, match="5 reasons against it") as caught:
        adopt_from(root, store, NAMES)
    assert {(each.document.partition(" ")[0], pointer(each.route)) for each in caught.value.reasons} == {
        ("acme_llm_config", "/spare/apikey"),
        ("acme_llm_config", "/default/base_url"),
        ("acme_llm_config", "/spare/api_key"),
        ("acme_llm_config", "/default/oauth_client_id"),
        ("azure_openai_europe-north1", "/endpoints/north/api_key"),
    }


def test_one_bad_document_keeps_all_others_out(root: Path) -> None:
    before = tree(root)
    store = foreign_store({"acme_llm_config": compact(ACCOUNT), "azure_openai_europe-north1": b"{}"})
    with pytest.raises(NotAdoptedError):
        adopt_from(root, store, NAMES)
    assert tree(root) == before


def test_a_document_that_no_push_would_take(root: Path) -> None:
    scopes = [f"{number:0490}" for number in range(131)]
    data = changed(ACCOUNT, ("default", "scopes"), scopes)
    assert len(compact(data)) <= 65_536
    assert refused(root, "account/acme", data) == {
        "": "a document that the secret store would refuse [document-too-large]"
    }
    assert adopted(root, "account/acme", changed(ACCOUNT, ("default", "scopes"), scopes[:-2])).written


@pytest.mark.parametrize(("there", "adopted"), [("a-b", "a_b"), ("a_b", "a-b")])
def test_names_that_collide_with_others_are_refused(root: Path, there: str, adopted: str) -> None:
    other = {f"accounts/{there}.yaml": f"account: {there}\nregion: europe-west6\ntier: pro\n"}
    write_repo(root, {"accounts/acme.yaml": None, **other})
    with pytest.raises(NotAdoptedError) as caught:
        adopt_from(root, foreign_store({f"{adopted}_llm_config": b"{}"}), [f"account/{adopted}"])
    collision = "two ids that become one name in a secret store or in Kubernetes [name-collision]"
    assert [str(each) for each in caught.value.reasons] == [f"{adopted}_llm_config version 1: {collision}"]


def test_a_model_that_the_provider_cannot_serve(root: Path) -> None:
    speech = PRICED.format(code="gpt-4").replace("chat", "rerank")
    write_repo(root, {"accounts/acme.yaml": None, "models/gpt-4.yaml": speech})
    data = changed(ACCOUNT, ("spare", "supported_models"), ["gpt-4o", "gpt-4"])
    reasons = refused(root, "account/acme", data)
    assert list(reasons) == ["/default/supported_models/0", "/spare/supported_models/1"]


@pytest.mark.parametrize(
    ("model", "code"),
    [
        ("code: gpt-4\ntype: chat\n", "price-missing"),
        (PRICED.format(code="gpt-4") + "retires: 2025-01-01\n", "model-retired"),
    ],
)
def test_what_is_wrong_with_a_model_is_for_check_to_say(root: Path, model: str, code: str) -> None:
    write_repo(root, {"accounts/acme.yaml": None, "models/gpt-4.yaml": model})
    done = adopted(root, "account/acme", ACCOUNT)
    assert (done.written, done.models) == (("accounts/acme.yaml",), ())
    assert {each.code for each in compile_repository(root, AS_OF).diagnostics} == {code}


def test_local_endpoints_without_a_key_need_to_be_called_local(root: Path) -> None:
    local = KEYED | {"base_url": "http://localhost:9000/v1", "api_key": None}
    assert "[auth-missing]" in refused(root, "account/acme", {"own": local})["/own"]
    assert adopted(root, "account/acme", {"own": local}, source="local").proofs[0].same_bytes
    assert "source: local\n" in (root / "accounts/acme.yaml").read_text()


@pytest.mark.parametrize("state", ["disabled", "destroyed"])
def test_a_newest_version_that_cannot_be_read(root: Path, state: str) -> None:
    store = foreign_store({"acme_llm_config": compact(ACCOUNT)}, 2)
    getattr(store, state.removesuffix("d").replace("destroye", "destroy"))("acme_llm_config", 3)
    with pytest.raises(NotAdoptedError) as caught:
        adopt_from(root, store, ["account/acme"])
    assert [str(each) for each in caught.value.reasons] == [
        f"acme_llm_config version 3: it is the newest and {state}, so that nobody can read it"
    ]


def test_secrets_that_are_not_there(root: Path) -> None:
    store = foreign_store({"acme_llm_config": b""})
    store.payloads["acme_llm_config"].clear()
    with pytest.raises(NotAdoptedError) as caught:
        adopt_from(root, store, NAMES)
    assert [str(each) for each in caught.value.reasons] == [
        "acme_llm_config: it has no version",
        "azure_openai_europe-north1: the store has no such secret",
    ]


def test_yaml_that_is_there_is_compared_and_left_alone(root: Path) -> None:
    store = foreign_store({"acme_llm_config": compact(ACCOUNT)})
    adopt_from(root, store, ["account/acme"])
    before = tree(root)
    rotated = changed(changed(ACCOUNT, ("default", "oauth_client_secret"), "rotated"), ("spare", "weight"), 2)
    store.add("acme_llm_config", compact(rotated))
    with pytest.raises(NotAdoptedError) as caught:
        adopt_from(root, store, ["account/acme"])
    differ = "not the same in the store and in what the YAML compiles to"
    assert [str(each) for each in caught.value.reasons] == [
        f"accounts/acme.yaml: /default/oauth_client_secret: {differ}",
        "accounts/acme.yaml: /spare/weight: the store has it, what the YAML compiles to has not",
    ]
    assert tree(root) == before
    store.add("acme_llm_config", compact(ACCOUNT))
    assert adopt_from(root, store, ["account/acme"]).proofs[0].same_bytes


def test_priority_is_compared_too(root: Path) -> None:
    ordered, swapped = {"a": KEYED, "b": KEYED}, {"b": KEYED, "a": KEYED}
    assert ordered == swapped
    adopted(root, "account/acme", ordered)
    store = foreign_store({"acme_llm_config": compact(swapped)}, 2)
    with pytest.raises(NotAdoptedError) as caught:
        adopt_from(root, store, ["account/acme"])
    assert [str(each) for each in caught.value.reasons] == [
        "accounts/acme.yaml: the order, which is priority, is not the same in the store and in what the YAML"
        " compiles to"
    ]


def test_yaml_with_errors_is_not_compared(root: Path) -> None:
    write_repo(root, {"accounts/acme.yaml": "account: acme\nregion: nowhere\n"})
    for text in ("account: acme\nregion: nowhere\n", "nothing of the kind"):
        write_repo(root, {"accounts/acme.yaml": text})
        with pytest.raises(NotAdoptedError) as caught:
            adopted(root, "account/acme", {})
        assert [str(each) for each in caught.value.reasons] == [
            "accounts/acme.yaml: it is there and has errors: llmcompile check"
        ]


@pytest.mark.parametrize(
    ("held", "compiled", "expected"),
    [
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": 1}, {"a": True}, [(("a",), "changed")]),
        ({"a": None}, {}, [(("a",), "null")]),
        ({}, {"a": None}, [(("a",), "null")]),
        ({"a": None}, {"a": []}, [(("a",), "changed")]),
        ({"a": [1, None]}, {"a": [1]}, [(("a",), "changed")]),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2, "c": 0}]}, [(("a", 0, "b"), "changed"), (("a", 0, "c"), "added")]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, [((), "reordered")]),
        ({"a": {"x": 1, "y": 2}}, {"a": {"y": 2, "x": 1}}, []),
        ({"a": 0}, {}, [(("a",), "gone")]),
        ([], {}, [((), "changed")]),
    ],
)
def test_differences(held: Any, compiled: Any, expected: Any) -> None:
    assert [(each.route, each.what) for each in differences(held, compiled, ordered=True)] == expected
    unordered = [each for each in expected if each[1] != "reordered"]
    assert [(each.route, each.what) for each in differences(held, compiled, ordered=False)] == unordered


def test_reasons_say_a_place_once() -> None:
    reasons = Reasons("x")
    for route in [("a", "b"), ("a", "b", 0), ("a", "c"), ("a", "b"), ("ab",)]:
        reasons.say(route, "")
    assert [each.route for each in reasons] == [("a", "b"), ("a", "c"), ("ab",)]
    assert reasons.around() == {(), ("a",), ("a", "b"), ("a", "c"), ("ab",)}


def test_a_secret_on_the_way_to_a_place_is_hidden() -> None:
    for hidden in ([], [SECRET]):
        reasons = Reasons("x", hidden)
        reasons.say(("a", f"1{SECRET}2", "b"), "m")
        assert [(SECRET in "".join(map(str, each.route)), each.route[2]) for each in reasons] == [(not hidden, "b")]


def test_a_reason_never_moves_the_cursor() -> None:
    reasons = Reasons("x")
    reasons.say(("a\x1b[31m\n", "sk-" + "a" * 20), "m")
    assert str(next(iter(reasons))) == "x: /a\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}/" + "*" * 23 + ": m"


def test_the_known_keys_are_those_of_the_written_contract() -> None:
    customer, provisioned = (schema(each).schema for each in ("CUSTOMER_LLM_CONFIG", "PROVISIONED_OPENAI_CONFIG"))
    assert set(CUSTOMER) == set(customer["$defs"]["endpoint"]["properties"])
    assert set(PROVISIONED) == set(provisioned["$defs"]["endpoint"]["properties"])


class TestClaim:
    """Our label on what the YAML says already, so that plan and push go on from there."""

    def proofs(self, root: Path, store: MemoryStore) -> Any:
        existing = existing_of(store, ["account/acme"])
        write_repo(root, {"accounts/acme.yaml": None, "models/gpt-4.yaml": PRICED.format(code="gpt-4")})
        if not (root / "accounts/acme.yaml").exists():
            adopt_from(root, store, ["account/acme"])
        return prove_all(existing, self.payloads(root, store, "acme_llm_config"))

    def payloads(self, root: Path, store: MemoryStore, *secrets: str) -> list[Payload]:
        compiled = compile_repository(root, AS_OF)
        documents = [each for each in compiled.documents if not secrets or each.secret in secrets]
        resolver = Resolver(root, {"PRIMARY_KEY": "k"}, lambda: StoreSource(store))
        return resolve_all(documents, compiled.linked, resolver)

    def test_a_claimed_secret_is_ours_and_has_nothing_to_push(self, root: Path) -> None:
        store = foreign_store({"acme_llm_config": compact(ACCOUNT)}, 4)
        [proof] = claim(self.proofs(root, store), Steady(store, VirtualClock()), REVISION)
        held = store.kept["acme_llm_config"]
        assert is_ours(held)
        assert held.labels["team"] == "platform"
        assert held.annotations["note"] == "by hand"
        assert Record.of(held) == Record(5, proof.payload.document.digest, REVISION, "")
        assert len(store.payloads["acme_llm_config"]) == 5
        plan = make_plan(look(self.payloads(root, store), store), "x")
        assert {each.secret: each.action for each in plan.changes}["acme_llm_config"] == "unchanged"
        assert not drifts(look(self.payloads(root, store, "acme_llm_config"), store))

    def test_control_without_a_claim_it_is_foreign(self, root: Path) -> None:
        store = foreign_store({"acme_llm_config": compact(ACCOUNT)}, 4)
        self.proofs(root, store)
        plan = make_plan(look(self.payloads(root, store), store), "x")
        assert {each.secret: each.action for each in plan.changes}["acme_llm_config"] == "foreign"

    def test_what_differs_is_not_claimed(self, root: Path) -> None:
        store = foreign_store({"acme_llm_config": compact(ACCOUNT)})
        self.proofs(root, store)
        store.add("acme_llm_config", compact(changed(ACCOUNT, ("default", "oauth_client_secret"), "other")))
        with pytest.raises(NotAdoptedError) as caught:
            self.proofs(root, store)
        assert [(each.document, pointer(each.route)) for each in caught.value.reasons] == [
            ("acme_llm_config version 2", "/default/oauth_client_secret")
        ]

    def test_an_answer_that_is_lost_is_looked_after(self, root: Path) -> None:
        lost: list[str] = []

        def before(call: str, secret: str) -> None:
            if call == "update" and not lost:
                lost.append(secret)
                raise UncertainError("gone")

        store = foreign_store({"acme_llm_config": compact(ACCOUNT)})
        proofs = self.proofs(root, store)
        failing = MemoryStore(before)
        failing.kept, failing.payloads = store.kept, store.payloads
        assert claim(proofs, Steady(failing, VirtualClock()), "") == proofs
        assert lost == ["acme_llm_config"]
        assert is_ours(store.kept["acme_llm_config"])

    def test_what_is_ours_is_not_claimed_again(self, root: Path) -> None:
        store = foreign_store({"acme_llm_config": compact(ACCOUNT)})
        proofs = self.proofs(root, store)
        claim(proofs, Steady(store, VirtualClock()), "")
        before = store.kept["acme_llm_config"]
        assert claim(self.proofs(root, store), Steady(store, VirtualClock()), "later") == []
        assert store.kept["acme_llm_config"] == before

    def test_a_missing_right_means_no_write_at_all(self, root: Path) -> None:
        class Denied(MemoryStore):
            def lacking(self, secret: str, *, exists: bool) -> list[str]:
                return ["secrets.update"] if secret.startswith("azure") else []

        store = foreign_store({"acme_llm_config": compact(ACCOUNT), "azure_openai_europe-north1": compact(REGION)})
        adopt_from(root, store, NAMES)
        recompiled(root, store, NAMES)  # gives the new models a price
        secrets = ("azure_openai_europe-north1", "acme_llm_config")
        existing = existing_of(store, ["region/europe-north1", "account/acme"])
        proofs = prove_all(existing, self.payloads(root, store, *secrets))
        denied = Denied()
        denied.kept, denied.payloads = dict(store.kept), store.payloads
        with pytest.raises(OutsideError, match=r"azure_openai_europe-north1: secrets\.update"):
            claim(proofs, Steady(denied, VirtualClock()), "")
        assert denied.kept == store.kept


class TestPlaces:
    """New files come all together, and never over others."""

    def test_what_appears_meanwhile_stays(self, root: Path) -> None:
        files = {"accounts/new.yaml": "mine\n", "models/new.yaml": "mine\n"}
        before = tree(root)
        with staged(root, files) as staging:
            (root / "models/new.yaml").write_text("theirs\n")
            with pytest.raises(RefusedError, match=r"models/new\.yaml exists"):
                move(staging, root, files)
        assert tree(root) == before | {"models/new.yaml": b"theirs\n"}

    def test_a_folder_that_leaves_the_repository(self, root: Path, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        (root / "accounts/other.yaml").unlink()
        (root / "accounts").rmdir()
        (root / "accounts").symlink_to(tmp_path / "elsewhere")
        with staged(root, {"accounts/new.yaml": "x"}) as staging:
            names = ["accounts/new.yaml"]
            with pytest.raises(RefusedError, match=r"accounts/new\.yaml leaves the repository"):
                move(staging, root, names)
        assert not list((tmp_path / "elsewhere").iterdir())

    def test_a_root_that_cannot_be_written(self, tmp_path: Path) -> None:
        with pytest.raises(OutsideError, match="cannot write below"), staged(tmp_path / "none", {"a/b": ""}):
            raise AssertionError

    def test_a_place_that_cannot_be_written(self, root: Path) -> None:
        before = tree(root)
        files = {"accounts/new.yaml": "x", f"models/{'x' * 300}.yaml": "x"}
        with pytest.raises(OutsideError, match="cannot write"), staged(root, {"accounts/new.yaml": "x"}) as staging:
            move(staging, root, files)
        assert tree(root) == before

    def test_control_they_are_moved(self, root: Path) -> None:
        before = tree(root)
        files = {"accounts/new.yaml": "é\n", "models/new.yaml": "y\n"}
        with staged(root, files) as staging:
            move(staging, root, files)
        assert tree(root) == before | {name: text.encode() for name, text in files.items()}


@pytest.mark.parametrize("folder", ["a#b", "~nobody", "?x"])
def test_refs_into_folders_with_odd_names(root: Path, folder: str) -> None:
    store = DirectoryStore(root / folder)
    store.create("acme_llm_config", {})
    store.add("acme_llm_config", compact(ACCOUNT))
    [existing] = read_all([Subject.of("account/acme")], store)
    uri = StoreUri("dir", str(root / folder))
    if folder == "a#b":
        with pytest.raises(UsageError, match="no ref can name files in"):
            ref_into(existing, uri, root)
        return
    ref = ref_into(existing, uri, root)("/spare/api_key")
    assert Path(ref.target).is_absolute() is (folder != "a")
    resolver = Resolver(root, {}, lambda: StoreSource(MemoryStore()))
    assert resolver.resolve(ref).reveal() == KEY
