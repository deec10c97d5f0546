"""JSON to YAML to JSON over generated documents: equal, or refused with a reason and nothing written.

Whatever the compiler itself emits is adopted; what else the written contract allows is adopted or refused, and both are
counted. ``HYPOTHESIS_SCALE=20`` runs twenty times the examples.
"""

from __future__ import annotations

import copy
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.compiler.adopted import (
    AS_OF,
    PRICED,
    adopt_from,
    compact,
    foreign_store,
    recompiled,
    tree,
    without_nulls,
)
from tests.compiler.example import FOLDERS, ROOT, schema
from tests.compiler.repo import write_repo
from tests.compiler.thorough import thorough

from llmcompile.adopt.adopting import NotAdoptedError
from llmcompile.adopt.reasons import Reason
from llmcompile.adopt.translate import Unsaid
from llmcompile.emit.canonical import plain
from llmcompile.pipeline import compile_repository
from llmcompile.providers import PROVIDERS

GOLDEN = sorted(each for each in (ROOT / "tests/golden/ok").iterdir() if each.is_dir())
CODES = ["gpt-4o", "gpt-4.1", "true", "null", "1e5", "2026-01-01", "010", "a_b-c.d", "X" * 100]
NAMES = ["default", "a", "b-1", "c_2", "no", "on", "1", "007", "x" * 63]


# Nothing else is like a key: what repeats one is refused, and tested for itself.
keys = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60).map(lambda text: f"Key%{text}")
ODD = ["3f2b", "2026-01-01", "1e5", "true", "~", "- a", "a: b", "a #b", "'", '"', "a\nb", " a ", "Ü 😀", "ab  c " * 30]
letters = st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=["Cs", "Cc"])
texts = (st.sampled_from(ODD) | st.text(letters, min_size=1, max_size=40)).filter(lambda text: "${" not in text)
urls = st.sampled_from(
    ["https://a.example.com", "https://b.example.com/", "https://c.example.com:8443/x/y~z%20", "http://localhost:1/v1"]
)
seconds = st.one_of(st.integers(1, 3600), st.floats(1e-9, 3600, allow_nan=False))
tags = st.lists(st.sampled_from(["eu", "1", "no", "a.b", "-"]), min_size=1, max_size=3, unique=True)
headers = st.sampled_from([{"name": "X-Api-Key", "format": "{api_key}"}, {"name": "X", "format": "Key: {api_key} #'"}])
versions = st.sampled_from(["2023-05-15", "2024-10-01-preview"])
codes = st.lists(st.sampled_from(CODES), min_size=1, max_size=5, unique=True)


def _extras(provider: str, draw: Any) -> dict[str, Any]:
    """Keys that any endpoint may have, in the order in which they are emitted."""
    chosen: dict[str, Any] = {}
    known = PROVIDERS.get(provider)
    if known and known.auth_header and draw(st.booleans()):
        chosen["auth_header"] = draw(headers)
    if known and known.path_style == "openai":
        chosen["path_style"] = "openai"
    for name, values in (("timeout_seconds", seconds), ("weight", st.integers(1, 10**12)), ("tags", tags)):
        if draw(st.integers(0, 3)) == 0:
            chosen[name] = draw(values)
    return chosen


def _renames(listed: list[str], draw: Any) -> dict[str, Any]:
    return {"models": {code: draw(texts) for code in listed}} if draw(st.integers(0, 3)) == 0 else {}


@st.composite
def own_endpoints(draw: Any) -> dict[str, Any]:
    """An account's endpoint as the compiler would emit it."""
    provider = draw(st.sampled_from(list(PROVIDERS)))
    known, listed = PROVIDERS[provider], draw(codes)
    endpoint: dict[str, Any] = {
        "provider": provider,
        "version": draw(st.none() | versions) if provider == "azure" else None,
        "supported_models": listed,
        "deployment_prefix": draw(st.none() | texts),
        "base_url": draw(st.sampled_from([known.base_url]) | urls if known.base_url else urls),
        "api_key": draw(keys),
        **dict.fromkeys(("oauth_token_url", "oauth_client_id", "oauth_client_secret", "scopes")),
    }
    if provider == "azure" and draw(st.booleans()):
        endpoint["api_key"] = None
        endpoint["oauth_token_url"], endpoint["oauth_client_id"] = draw(urls), draw(texts)
        endpoint["oauth_client_secret"] = draw(keys)
        endpoint["scopes"] = draw(st.lists(texts, min_size=1, max_size=3))
    elif known.keyless and "localhost" in endpoint["base_url"] and draw(st.booleans()):
        endpoint["api_key"] = None
    return endpoint | _renames(listed, draw) | _extras(provider, draw)


accounts = st.dictionaries(st.sampled_from(NAMES), own_endpoints(), max_size=4)


@st.composite
def regions(draw: Any) -> dict[str, Any]:
    """A region's document as the compiler would emit it."""
    names = draw(st.lists(st.sampled_from(NAMES), max_size=4, unique=True))
    served = draw(codes) if names else []
    models = {code: draw(st.lists(st.sampled_from(names), min_size=1, unique=True)) for code in served}
    return {"endpoints": {name: _platform_endpoint(name, models, draw) for name in names}, "models": models}


def _platform_endpoint(name: str, models: dict[str, list[str]], draw: Any) -> dict[str, Any]:
    provider = draw(st.sampled_from(["azure", *PROVIDERS]))
    default = PROVIDERS[provider].base_url
    endpoint: dict[str, Any] = {
        "api_key": draw(keys),
        "base_url": draw(st.sampled_from([default]) | urls if default else urls),
    }
    endpoint |= {"provider": provider} if provider != "azure" else {}
    endpoint |= {"version": draw(versions)} if provider == "azure" and draw(st.booleans()) else {}
    listed = [code for code, at in models.items() if name in at]
    return endpoint | (_renames(listed, draw) if listed else {}) | _extras(provider, draw)


def _odd(data: Any, draw: Any) -> Any:
    """The document with something that the contract allows and the compiler does not emit, or not always."""
    routes = [route for route in _routes(data) if route]
    for _ in range(draw(st.integers(0, 2))):
        if not routes:
            return data
        route = draw(st.sampled_from(routes))
        parent = _at(data, route[:-1])
        if not isinstance(parent, dict) or route[-1] not in parent:
            continue
        key = str(route[-1])
        change = draw(
            st.sampled_from(["order", "null", "text", "style", "url", "provider", "float", "renames", "both"])
        )
        if change == "order":
            items = draw(st.permutations(list(parent.items())))
            parent.clear()
            parent.update(items)
        elif change == "null" and key in ("version", "deployment_prefix", "api_key", "scopes"):
            parent[key] = None
        elif change == "text" and isinstance(parent[key], str):
            parent[key] = draw(st.text(min_size=1, max_size=20))
        elif change == "float" and isinstance(parent[key], int):
            parent[key] = float(parent[key])
        elif "base_url" in parent:
            more: dict[str, Any] = {
                "style": {"path_style": draw(st.sampled_from(["azure", "openai"]))},
                "url": {
                    "base_url": draw(st.sampled_from(["http://a.example.com", "https://a_b.example", "https://0"]))
                },
                "provider": {"provider": draw(st.sampled_from(["azure_openai", "azure", "other", "groq"]))},
                "renames": {"models": {draw(st.sampled_from(CODES)): "x"}},
                "both": {"api_key": draw(keys)},
            }
            parent.update(more.get(change, {}))
    return data


def _routes(data: Any, route: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield route
    for step, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield from _routes(value, (*route, step))


def _at(data: Any, route: tuple[Any, ...]) -> Any:
    for step in route:
        data = data[step]
    return data


def _repository(root: Path) -> Path:
    models = {f"models/{code}.yaml": PRICED.format(code=json.dumps(code)) for code in CODES[:5]}
    other = {"accounts/acme.yaml": None, "accounts/other.yaml": "account: other\nregion: europe-west6\n"}
    return write_repo(root, models | other)


CASES = {
    "account": ("account/acme", "acme_llm_config", "CUSTOMER_LLM_CONFIG", accounts),
    "region": ("region/europe-north1", "azure_openai_europe-north1", "PROVISIONED_OPENAI_CONFIG", regions()),
}


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_whatever_the_compiler_could_have_emitted_is_adopted(case: Any) -> None:
    name, secret, kind, documents = case

    @thorough(150)
    @given(documents)
    def adopted(data: Any) -> None:
        schema(kind).validate(data)
        with TemporaryDirectory() as folder:
            root, store = _repository(Path(folder)), foreign_store({secret: compact(data)})
            [proof] = adopt_from(root, store, [name]).proofs
            # Whole numbers of seconds lose their fraction, and nothing else changes a byte.
            again = recompiled(root, store, [name])[secret]
            assert json.loads(again) == data
            assert list(json.loads(again)) == list(data)
            assert proof.same_bytes is (again == compact(data))
            assert proof.same_bytes or ".0" in compact(data).decode()
            written = (root / f"{name.replace('/', 's/')}.yaml").read_text("utf-8")
            assert not [each for each in _secrets(data) if len(each) > 12 and each in written]

    adopted()


def _secrets(data: Any) -> Iterator[str]:
    for route in _routes(data):
        if route and route[-1] in ("api_key", "oauth_client_secret") and isinstance(_at(data, route), str):
            yield _at(data, route)


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_whatever_the_contract_allows_is_kept_or_refused(case: Any) -> None:
    name, secret, kind, documents = case
    count: Counter[str] = Counter()

    @thorough(300)
    @given(documents, st.data())
    def kept_or_refused(data: Any, more: st.DataObject) -> None:
        data = _odd(copy.deepcopy(data), more.draw)
        if not schema(kind).is_valid(data):
            count["outside"] += 1
            return
        count[_kept_or_refused(name, secret, data)] += 1

    kept_or_refused()
    within = count["adopted"] + count["refused"]
    assert count["adopted"] > 0.6 * within, count
    assert count["refused"] > 0.05 * within, count  # the control: the generator gets beyond what can be kept


def _kept_or_refused(name: str, secret: str, data: Any) -> str:
    """Which of the two; that it holds is asserted."""
    with TemporaryDirectory() as folder:
        root, store = _repository(Path(folder)), foreign_store({secret: compact(data)})
        before = tree(root)
        reasons: tuple[Reason, ...] = ()
        try:
            [proof] = adopt_from(root, store, [name]).proofs
        except NotAdoptedError as error:
            reasons = error.reasons
        if reasons:
            assert all(_leads_somewhere(data, each.route) for each in reasons), list(map(str, reasons))
            assert tree(root) == before
            said = "".join(map(str, reasons))
            assert not [each for each in _secrets(data) if len(each) > 12 and each in said]
            return "refused"
        again = json.loads(recompiled(root, store, [name])[secret])
        assert without_nulls(again) == without_nulls(data)
        assert name.startswith("region") or list(again) == list(data)
        assert (again == data) is (proof.nulls == 0)
        return "adopted"


def _leads_somewhere(data: Any, route: tuple[Any, ...]) -> bool:
    """Whether all but the last step is there: the last one may be what is missing."""
    try:
        _at(data, route[:-1])
    except (KeyError, IndexError, TypeError):
        return False
    return True


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | st.sampled_from(CODES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_any_change_to_a_document_is_kept_or_refused(case: Any) -> None:
    name, secret, _, documents = case
    count: Counter[str] = Counter()

    @thorough(300)
    @given(documents, st.data())
    def kept_or_refused(data: Any, more: st.DataObject) -> None:
        data = copy.deepcopy(data)
        route = more.draw(st.sampled_from(list(_routes(data))))
        change = more.draw(st.sampled_from(["replace", "remove", "add"]))
        value, key = more.draw(ANY), more.draw(st.text(max_size=8) | st.sampled_from(CODES + NAMES))
        if not route:
            data = value if change == "replace" else data
        elif change == "replace":
            _at(data, route[:-1])[route[-1]] = value
        elif change == "remove":
            del _at(data, route[:-1])[route[-1]]
        elif isinstance(_at(data, route), dict):
            _at(data, route)[key] = value
        try:
            compact(data)
        except UnicodeEncodeError:
            return
        count[_kept_or_refused(name, secret, data)] += 1

    kept_or_refused()
    assert count["adopted"] > 30, count
    assert count["refused"] > 100, count


@pytest.mark.parametrize("payload", [b"", b"{", b"nul", b"\x00", b"{}" * 2, b'"\xff"', b"-", b"1e999", b"[NaN]"])
def test_any_bytes_are_refused(payload: bytes, tmp_path: Path) -> None:
    root = _repository(tmp_path)
    for name, secret, _, _ in CASES.values():
        with pytest.raises(NotAdoptedError):
            adopt_from(root, foreign_store({secret: payload}), [name])


@pytest.mark.parametrize("case", [ROOT, *GOLDEN], ids=lambda case: "example" if case == ROOT else case.name)
def test_every_document_of_the_golden_cases_is_adopted(case: Path, tmp_path: Path) -> None:
    compiled = compile_repository(case, AS_OF if case == ROOT else AS_OF.replace(day=1))
    assert not compiled.failed
    held = {}
    for document in compiled.documents:
        if document.kind != "ROUTER_POLICY":
            held[document.secret] = compact(plain(document.content, lambda ref: f"value of {ref}"[:250]))
    store, root = foreign_store(held), tmp_path / "repo"
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True)
    shutil.copy(case / "llmcompile.yaml", root)
    shutil.copytree(case / "models", root / "models", dirs_exist_ok=True, symlinks=True)
    adopted = adopt_from(root, store, [f"region/{each}" for each in compiled.linked.regions]).proofs
    for account in compiled.linked.accounts.values():
        unsaid = Unsaid(account.input.all_regions, account.input.source)
        adopted += adopt_from(root, store, [f"account/{account.id}"], unsaid).proofs
    assert {each.existing.subject.secret for each in adopted} == held.keys()
    assert all(each.same_bytes for each in adopted)
