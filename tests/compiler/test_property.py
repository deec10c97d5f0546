"""Whatever stands in a file ends in diagnostics with places, or in documents that satisfy their schemas.

Three generators: arbitrary trees, small changes to a valid repository, and changes to its bytes.
``HYPOTHESIS_SCALE=20`` runs twenty times the examples.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.compiler.example import AS_OF, ROOT, assert_inside, codes, compile_and_check, copy_example
from tests.compiler.thorough import thorough

from llmcompile.load.locate import Locator
from llmcompile.pipeline import compile_repository

FILES = ["llmcompile.yaml", "models/gpt-4o.yaml", "regions/europe-west6.yaml", "accounts/acme.yaml"]
MORE = ["accounts/globex.yaml", "accounts/hooli.yaml", "accounts/initech.yaml", "regions/us-east4.yaml"]
ORIGINALS = {file: (ROOT / file).read_bytes() for file in FILES + MORE}
TREES = {file: json.loads(json.dumps(yaml.safe_load(raw), default=str)) for file, raw in ORIGINALS.items()}


def _names(tree: Any) -> Iterator[str]:
    """Every key and every text of a tree: what fields and references are called."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield str(key)
            yield from _names(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _names(value)
    elif isinstance(tree, str):
        yield tree


KNOWN = sorted({name for tree in TREES.values() for name in _names(tree)})
FIELDS = sorted(
    {
        name
        for file in (ROOT / "schemas").glob("*.schema.json")
        for name in _names(json.loads(file.read_text(encoding="utf-8")))
        if len(name) < 40
    }
)
ODD = [
    "", " ", "~", "null", "<a>", "<<", "[key]", "<list>", "<map>", "{}", "*", "&a", "!tag", "a: b", "- a", "# a", "%",
    "\n", "\t", "\r", "\0", "\x1b[31m", "\x85", "\u2028", "\u202e", "\ufeff", "\ufffe", "\U0001f600", "é" * 60,
    "${HOME}", "ref+env://", "ref+env://A", "ref+file://a#/b", "ref+gcpsecrets://p/s", "os.environ/A", "sm://a/b",
    "sk-" + "a" * 20, "0" * 32, "https://", "http://[", "http://[::1]:99999/", "https://a@b", "HTTPS://A?", "https://a#",
    "2026-02-30", "2026-01-01", "2026-01-01T24:00:00Z", "USD", "usd", "XXX", "azure/", "azure/gpt-4o", "groq/x",
    "a" * 70, "a" * 3000, "-", "_", "gpt-4o-", "{api_key}", "dir:", "gcpsecrets://x",
]  # fmt: skip
NUMBERS = [0, 1, -1, 2**63, 10**29, 10**400, 1.5, -0.0, 1e-7, 1e300, 5e-324, 0.1 + 0.2]

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(NUMBERS),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(ODD),
    st.sampled_from(KNOWN),
    st.text(max_size=20),
)
keys = st.one_of(st.sampled_from(FIELDS), st.sampled_from(KNOWN), st.sampled_from(ODD), st.text(max_size=10))
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=6), max_leaves=20
)


def _as_json(tree: Any) -> bytes:
    return json.dumps(tree).encode()


def _as_json_text(tree: Any) -> bytes:
    return json.dumps(tree, ensure_ascii=False, indent=1).encode("utf-8", "surrogatepass")


def _as_yaml(tree: Any) -> bytes:
    return yaml.safe_dump(tree, allow_unicode=True, sort_keys=False).encode("utf-8", "surrogatepass")


def _as_flow(tree: Any) -> bytes:
    return yaml.safe_dump(tree, default_flow_style=True, width=40, sort_keys=False).encode()


writers = st.sampled_from([_as_json, _as_json_text, _as_yaml, _as_flow])


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_example(tmp_path_factory.mktemp("property") / "repo")


@contextmanager
def _written(root: Path, file: str, raw: bytes) -> Iterator[Path]:
    (root / file).write_bytes(raw)
    try:
        yield root
    finally:
        (root / file).write_bytes(ORIGINALS[file])


@thorough(200)
@given(file=st.sampled_from(FILES), tree=trees, write=writers)
def test_any_tree_in_any_file(root: Path, file: str, tree: Any, write: Any) -> None:
    with _written(root, file, write(tree)):
        compile_and_check(root)


def _routes(tree: Any, route: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield route
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for step, value in pairs:
        yield from _routes(value, (*route, step))


def _at(tree: Any, route: tuple[Any, ...]) -> Any:
    for step in route:
        tree = tree[step]
    return tree


def _change(data: st.DataObject, tree: Any) -> Any:
    """The tree with one node deleted, replaced, repeated, renamed or moved."""
    routes = [route for route in _routes(tree) if route]
    if not routes:
        return data.draw(trees)
    route = data.draw(st.sampled_from(routes))
    parent, step = _at(tree, route[:-1]), route[-1]
    kind = data.draw(st.sampled_from(["delete", "scalar", "tree", "repeat", "rename", "move", "add"]))
    if kind == "delete":
        del parent[step]
    elif kind == "scalar":
        parent[step] = data.draw(scalars)
    elif kind == "tree":
        parent[step] = data.draw(trees)
    elif kind == "move":
        parent[step] = copy.deepcopy(_at(tree, data.draw(st.sampled_from(routes))))
    elif isinstance(parent, list):
        parent.insert(step, copy.deepcopy(parent[step]) if kind == "repeat" else data.draw(scalars))
    else:
        value = parent.pop(step) if kind == "rename" else copy.deepcopy(parent[step])
        parent[data.draw(keys)] = value
    return tree


@thorough(300)
@given(data=st.data())
def test_any_small_change_to_a_valid_repository(root: Path, data: st.DataObject) -> None:
    file = data.draw(st.sampled_from(FILES + MORE))
    tree = copy.deepcopy(TREES[file])
    for _ in range(data.draw(st.integers(1, 3))):
        tree = _change(data, tree)
    with _written(root, file, data.draw(writers)(tree)):
        compile_and_check(root)


EDGES: list[Any] = [
    None, True, 0, -0.0, 1e-30, 10**29, "", "<a>", "a" * 3000, "gpt-4o", "HTTPS://a?", "http://[::1",
    [], ["gpt-4o", "gpt-4o"], [[]], {}, {"[key]": {"<list>": []}}, {"gpt-4o": "gpt-4o"},
]  # fmt: skip


def _places(kind: str) -> list[tuple[str, tuple[Any, ...]]]:
    """One file and route for each place of a kind's format: the second endpoint is like the first."""
    places: dict[tuple[str, ...], tuple[str, tuple[Any, ...]]] = {}
    for file in FILES + MORE:
        for route in _routes(TREES[file]) if file.startswith(kind) else ():
            places.setdefault(tuple(step if step in FIELDS else "*" for step in route), (file, route))
    return list(places.values())


KINDS = ["llmcompile", "models", "regions", "accounts"]


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("kind", KINDS)
def test_every_place_with_every_edge_value(root: Path, kind: str) -> None:
    for file, route in _places(kind):
        for edge in EDGES:
            tree = copy.deepcopy(TREES[file])
            if route:
                _at(tree, route[:-1])[route[-1]] = edge
            with _written(root, file, _as_json(tree if route else edge)):
                compile_and_check(root)


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("kind", KINDS)
def test_every_mapping_without_each_key_and_with_odd_ones(root: Path, kind: str) -> None:
    for file, route in _places(kind):
        written = _at(TREES[file], route)
        for key in ["<a>", "<<", "[key]", "<list>", "name", "0", *written] if isinstance(written, dict) else ():
            tree = copy.deepcopy(TREES[file])
            mapping = _at(tree, route)
            if mapping.pop(key, None) is None:
                mapping[key] = copy.deepcopy(next(iter(mapping.values()), 1))
            with _written(root, file, _as_json(tree)):
                compile_and_check(root)


fragments = st.one_of(
    st.binary(max_size=8),
    st.sampled_from(ODD).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.sampled_from(
        [b"&a ", b"*a", b"!!str ", b"! ", b"? ", b": ", b"- ", b"[", b"]", b"{", b"}", b"|\n", b">-\n", b"---\n",
         b"...\n", b"%YAML 1.1\n", b'"', b"'", b"<<: *a\n", b"\r\n", b"\r", b"\xef\xbb\xbf", b"\xff\xfe", b"\xc3",
         b"<<<<<<< HEAD\n", b'"\\uD800"', b'"\\e[31m"', b"\\", b"1_000", b"0x1F", b".inf", b"-0.0", b"1e-6"]
    ),
)  # fmt: skip


def _mangle(data: st.DataObject, raw: bytes) -> bytes:
    """The bytes with something inserted, cut out, repeated or replaced."""
    start = data.draw(st.integers(0, len(raw)))
    stop = min(len(raw), start + data.draw(st.integers(0, 40)))
    kind = data.draw(st.sampled_from(["insert", "cut", "truncate", "repeat", "replace", "line"]))
    if kind == "line":
        lines = raw.splitlines(keepends=True) or [b""]
        at = data.draw(st.integers(0, len(lines) - 1))
        return b"".join([*lines[:at], lines[at] * data.draw(st.integers(0, 3)), *lines[at + 1 :]])
    middles = {"cut": b"", "repeat": raw[start:stop] * 2}
    if kind in ("insert", "replace"):
        middle = data.draw(fragments)
        return raw[:start] + middle + raw[start if kind == "insert" else stop :]
    return raw[:start] if kind == "truncate" else raw[:start] + middles[kind] + raw[stop:]


@pytest.mark.usefixtures("unmeasured")
@thorough(400)
@given(data=st.data())
def test_any_change_of_bytes(root: Path, data: st.DataObject) -> None:
    file = data.draw(st.sampled_from(FILES + MORE))
    raw = ORIGINALS[file]
    for _ in range(data.draw(st.integers(1, 4))):
        raw = _mangle(data, raw)
    with _written(root, file, raw):
        compile_and_check(root)


def test_the_starting_point_is_valid(root: Path) -> None:
    compiled, found = compile_and_check(root)
    assert compiled.documents
    assert not compiled.failed, codes(found)


def test_control_a_place_outside_of_its_file_is_noticed(root: Path, tmp_path: Path) -> None:
    """Without this, the assertions above might hold of anything."""
    with _written(root, "accounts/acme.yaml", b"account: acme\nregion: nowhere\n"):
        compiled = compile_repository(root, AS_OF)
        places = [Locator(root).find(each.place) for each in compiled.diagnostics if each.place.route == ("region",)]
    (tmp_path / "accounts").mkdir()
    (tmp_path / "accounts/acme.yaml").write_text("account: acme\n")
    assert len(places) == 1
    with pytest.raises(AssertionError):
        assert_inside(tmp_path, places[0], {})
