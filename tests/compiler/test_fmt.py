"""``fmt`` changes white space alone, comes to one layout, and a second time changes nothing."""

from __future__ import annotations

import re
import stat
from collections import Counter
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.compiler.example import ROOT, copy_example
from tests.compiler.layouts import MANY, corpus, data_of, layouts, notes, written
from tests.compiler.repo import FILES, run_cli, write_repo
from tests.compiler.thorough import SCALE
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from llmcompile.edit.layout.laid_out import laid_out
from llmcompile.load.source import Source

ACCOUNT = "accounts/acme.yaml"


def fmt(text: str) -> str:
    after = laid_out(Source("x.yaml", text))
    assert after is not None, text
    return after


def words(text: str) -> str:
    """All that is not white space."""
    return "".join(text.split())


TEXTS = [
    "plain", "two words", "and three words", "https://a.example/b?c", "# no comment", "it's", 'a "b"', "a: b", "- a",
    "true", "12", "", " padded ", "für 漢字", "a\nb\n", "a\n\n  b\n", "a\n", "a\n\n", "\na", "a  \nb", "{a: 1}",
    "2026-01-01", "one two three four five six", "  a\n b\n\n\n", "a\n \nb\n   \n",
]  # fmt: skip
KEYS = ["a", "b", "c", "long_key", "gpt-4.1", "two words", "x: y", "1", "true"]
keys = st.sampled_from(KEYS)
trees = st.dictionaries(
    keys,
    st.recursive(
        st.sampled_from(TEXTS) | st.integers(-5, 5) | st.decimals("0.01", "9", places=2) | st.booleans(),
        lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=12,
    ),
    min_size=1,
    max_size=4,
)


def assert_laid_out(text: str, tree: Any) -> None:
    """What holds of any file that is laid out."""
    after = fmt(text)
    assert repr(data_of(after)) == repr(tree)
    assert words(after) == words(text)
    assert [each.rstrip() for each in notes(after)] == [each.rstrip() for each in notes(text)]
    assert fmt(after) == after
    assert_canonical(after)


@pytest.mark.usefixtures("unmeasured")
@MANY
@given(data=st.data())
def test_any_layout_comes_to_one_and_says_the_same(data: st.DataObject) -> None:
    tree = data.draw(trees)
    assert_laid_out(data.draw(layouts(tree, wordy=True)), tree)


def random_tree(random: Random, depth: int = 3) -> Any:
    kind = random.choice(["text"] * 3 + ["number", "flag"] + ["list", "map"] * depth)
    if kind == "map" or depth == 3:
        return {random.choice(KEYS): random_tree(random, depth - 1) for _ in range(random.randint(depth == 3, 4))}
    if kind == "list":
        return tuple(random_tree(random, depth - 1) for _ in range(random.randint(0, 3)))
    return random.choice(TEXTS if kind == "text" else [0, -3, Decimal("2.50")] if kind == "number" else [True, False])


def test_large_layouts_of_every_kind() -> None:
    """Hypothesis prefers what is small; here every way to write something meets every other."""
    seen: Counter[str] = Counter()
    for seed in range(400 * SCALE):
        random = Random(seed)
        tree = random_tree(random)
        text = written(tree, random.choice, wordy=True)
        if text is None:
            continue
        assert_laid_out(text, tree)
        seen.update(name for name, form in KINDS.items() if re.search(form, text))
    assert set(seen) == set(KINDS)
    assert min(seen.values()) > 5, seen


KINDS = {
    "literal": r"(?m)[-:] \|",
    "folded": r"(?m)[-:] >",
    "kept": r"(?m)[-:] [|>]\d?\+",
    "digit": r"(?m)[-:] [|>]\d",
    "CRLF": "\r",
    "several lines in brackets": r"[\[{](  *#.*)?\r?\n",
    "brackets around all": r"\A(---\r?\n)?\{",
    "plain text on two lines": r"(?m)^ *(three|four|five|words)",
    "anchor": "&a",
    "dashes at the margin": "(?m)^- ",
    "no end of the last line": r"[^\n]\Z",
}


def assert_canonical(text: str) -> None:
    """By PyYAML's own parser, which shares no code with libyaml's: where every block stands."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    spans: list[tuple[int, int]] = []
    _walk(root, 0, text, spans)
    bare = "".join("x" if any(left <= at < right for left, right in spans) else each for at, each in enumerate(text))
    bare = re.sub("(?m)(^| )#.*", r"\1#", bare)
    assert "\r" not in text
    assert not re.search(r"\A\n|\n *\n *\n", bare)
    assert not re.search(r"[\[{] +[^\s#]| +,|,[^ \n\]}]|[^\s:] +[\]}]", bare)


def _walk(node: Node, column: int, text: str, spans: list[tuple[int, int]]) -> None:
    if isinstance(node, ScalarNode):
        spans.append((node.start_mark.index, node.end_mark.index))
        return
    assert isinstance(node, MappingNode | SequenceNode)
    if not node.flow_style:
        keys = [key for key, _ in node.value] if isinstance(node, MappingNode) else []
        assert all(key.start_mark.column == column for key in keys), (text, column)
    for each in node.value:
        for part in each if isinstance(each, tuple) else [each]:
            _walk(part, column + 2, text, spans)


def test_control_another_layout_is_seen() -> None:
    assert_canonical("a:\n  b:\n    - {c: 1}\n")
    for text in (
        "a:\n   b: 1\n",
        "a:\n  - b: 1\n    c:\n       d: 1\n",
        "a: [ 1 ]\n",
        "a: [1 , 2]\n",
        "a: [1,2]\n",
        "a: 1\r\n",
    ):
        with pytest.raises(AssertionError):
            assert_canonical(text)


@pytest.mark.usefixtures("unmeasured")
def test_the_example_the_templates_and_the_golden_cases_keep_every_byte_but_for_line_ends() -> None:
    done, other = 0, set()
    for folder in ("models", "accounts", "regions", ""):
        for root, source, _ in corpus(folder):
            after = fmt(source.text)
            assert fmt(after) == after
            if after != source.text:
                # A comma in a number stands between two entries of a mapping, which is what the case is about.
                assert after == source.text.replace("\r\n", "\n").replace("2,50", "2, 50")
                other.add(root.name)
            done += 1
    assert done > 1500
    assert other == {"crlf", "crlf-warning", "key-unknown-decimal-comma"}
    for path in (ROOT / "compiler/llmcompile/templates/init").rglob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        assert fmt(text) == text


CASES = {
    "indentation": (
        "a:\n    b:\n        c: 1\n    d:\n    -   e: 1\n        f: 2\n    -   - g\n        - h\n",
        "a:\n  b:\n    c: 1\n  d:\n    - e: 1\n      f: 2\n    - - g\n      - h\n",
    ),
    "a whole file that is indented": ("  a: 1\n  b:\n  - c\n", "a: 1\nb:\n  - c\n"),
    "dashes that stand under their key": (
        "a:\n- b\n# about c\n- c:\n  - d\ne: 1\n",
        "a:\n  - b\n  # about c\n  - c:\n      - d\ne: 1\n",
    ),
    "dashes alone on their line": ("a:\n-\n  b: 1\n-\n  - c\n", "a:\n  -\n    b: 1\n  -\n    - c\n"),
    "spaces": (
        "a:   1   \nb : [ 1,2 , 3 ]\nc: { d: 1,e : 2, }\nf: [ ]\ng: {\"h\":1}\n",
        "a: 1\nb: [1, 2, 3]\nc: {d: 1, e: 2,}\nf: []\ng: {\"h\": 1}\n",
    ),
    "blank lines": ("\n\na: 1\n\n\n\nb: 2\n  \n# c\n\n\n", "a: 1\n\nb: 2\n\n# c\n"),
    "no end of the last line": ("a: 1\nb: 2", "a: 1\nb: 2\n"),
    "line ends": ("a: 1\r\nb: |\r\n  c\r\n  d\r\n", "a: 1\nb: |\n  c\n  d\n"),
    "comments move with their block": (
        "a:\n    # about b\n    b: 1   # as far away as it was\n    # behind b\n\n"
        "# about c\nc:\n    - 1\n      # deeper  \n",
        "a:\n  # about b\n  b: 1   # as far away as it was\n  # behind b\n\n# about c\nc:\n  - 1\n    # deeper\n",
    ),
    "what is commented out stays in its column": (
        "a:\n    b: 1\n#    c: 2\n    d: 3\n",
        "a:\n  b: 1\n#    c: 2\n  d: 3\n",
    ),
    "several lines in brackets move together": (
        "a:\n    b: [\n        1, 2,  # both\n        3\n    ]\n    c: 4\n",
        "a:\n  b: [\n      1, 2,  # both\n      3\n  ]\n  c: 4\n",
    ),
    "text of several lines": (
        "a:\n    b: |\n        one\n          two\n\n        three\n    c: >-\n      folded\n"
        "    d: plain and\n       on\n    e: \"quoted\n       on\"\n",
        "a:\n  b: |\n    one\n      two\n\n    three\n  c: >-\n    folded\n"
        "  d: plain and\n     on\n  e: \"quoted\n     on\"\n",
    ),
    "text that keeps its blank lines": ("a: |+\n    b\n\n\nc: |\n    d\n\n\n\n", "a: |+\n  b\n\n\nc: |\n  d\n"),
    "indentation that is written out": ("a:\n    b: |2\n        c\n      d\n", "a:\n  b: |2\n      c\n    d\n"),
    "anchors": ("a: &x   {b: 1}\nc:   *x\nd: &y\n    e: 1\n", "a: &x {b: 1}\nc: *x\nd: &y\n  e: 1\n"),
    "a value on the next line": ("a:\n      # about\n      b\nc:\n    {d: 1}\n", "a:\n  # about\n  b\nc:\n  {d: 1}\n"),
    "a document's start": ("---   # here\na: 1\n", "---   # here\na: 1\n"),
    "quotes and order": ("b: 'x'\na: \"y\"\n'c': z\n", "b: 'x'\na: \"y\"\n'c': z\n"),
    "JSON": ('{"a": 1,\n   "b": [ 1, 2 ]\n}', '{"a": 1,\n   "b": [1, 2]\n}\n'),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_changes(name: str) -> None:
    before, after = CASES[name]
    assert fmt(before) == after
    assert fmt(after) == after


UNCHANGED = {
    "text that ends without a line end would get one": "a: |\n  b",
    "a comment behind text stays left of it": "a:\n  b: |\n    c\n   # d\ne: 1\n",
    "spaces inside of text": "a: |\n  b  \n    \n  c\nd: 'e  f'\n",
    "an escaped space at a line's end": 'a: "b\\ \n  c"\n',
}


@pytest.mark.parametrize("name", UNCHANGED)
def test_what_does_not_change(name: str) -> None:
    assert fmt(UNCHANGED[name]) == UNCHANGED[name]


ODD_LINE_ENDS = ["a: 1 # b@c:   2\n", "a: 1@c:   2\n", "a: [1,@  2]\n", "a: 1\n@# b\nc:   2\n", "@a: 1\n"]


@pytest.mark.parametrize("text", ODD_LINE_ENDS)
def test_what_cannot_be_laid_out_for_certain_is_left_alone(text: str) -> None:
    """YAML ends a line at U+2028 too; editors, and what shows lines, do not."""
    assert data_of(text.replace("@", "\u2028")) == data_of(text.replace("@", "\n"))
    assert laid_out(Source("x.yaml", text.replace("@", "\u2028"))) is None
    assert laid_out(Source("x.yaml", text.replace("@", "\n"))) is not None
    assert laid_out(Source("x.yaml", text.replace("@", "\r"))) == laid_out(Source("x.yaml", text.replace("@", "\n")))


def test_what_is_left_alone_is_named_and_does_not_fail_the_check(tmp_path: Path) -> None:
    root = write_repo(tmp_path, {ACCOUNT: FILES[ACCOUNT] + "# b\u2028description:   x\n"})
    done = run_cli("fmt", "--check", cwd=root)
    assert (done.returncode, done.stdout) == (0, "")
    assert f"left alone: {ACCOUNT}" in done.stderr


# The command line.

MESSY = (
    "account:   acme\nregion: europe-west6\nsource: platform\ntier: pro\nkeys:\n- { id: a, sha256: '"
    + "0a" * 32
    + "' }\n"
)


def test_the_command_writes_and_is_content_afterwards(tmp_path: Path) -> None:
    root = write_repo(tmp_path, {ACCOUNT: MESSY})
    (root / ACCOUNT).chmod(0o640)
    checked = run_cli("fmt", "--check", cwd=root)
    assert (checked.returncode, checked.stdout) == (1, f"{ACCOUNT}\n")
    shown = run_cli("fmt", "--diff", cwd=root)
    assert shown.returncode == 0
    assert "-account:   acme\n+account: acme\n" in shown.stdout
    assert run_cli("fmt", "--check", "--diff", cwd=root).returncode == 1
    assert (root / ACCOUNT).read_text(encoding="utf-8") == MESSY
    done = run_cli("fmt", cwd=root)
    assert (done.returncode, done.stdout) == (0, f"changed: {ACCOUNT}\n")
    assert stat.S_IMODE((root / ACCOUNT).stat().st_mode) == 0o640
    assert (root / ACCOUNT).read_text(encoding="utf-8") == fmt(MESSY)
    again = run_cli("fmt", "--check", cwd=root)
    assert (again.returncode, again.stdout) == (0, "")
    assert run_cli("check", cwd=root).returncode == 0


def test_files_can_be_named(tmp_path: Path) -> None:
    root = write_repo(tmp_path, {ACCOUNT: MESSY, "models/gpt-4o.yaml": FILES["models/gpt-4o.yaml"] + "\n\n"})
    done = run_cli("fmt", "gpt-4o.yaml", cwd=root / "models")
    assert (done.returncode, done.stdout) == (0, "changed: models/gpt-4o.yaml\n")
    assert (root / ACCOUNT).read_text(encoding="utf-8") == MESSY
    assert run_cli("fmt", "/etc/hosts", cwd=root).returncode == 2
    missing = run_cli("fmt", "models/none.yaml", cwd=root)
    assert missing.returncode == 1
    assert "cannot be read" in missing.stderr


def test_what_is_not_yaml_is_shown_and_the_rest_is_laid_out(tmp_path: Path) -> None:
    broken = "code: [gpt-4o\ntype:   chat\n"
    root = write_repo(tmp_path, {ACCOUNT: MESSY, "models/gpt-4o.yaml": broken})
    done = run_cli("fmt", cwd=root)
    assert (done.returncode, done.stdout) == (1, f"changed: {ACCOUNT}\n")
    assert "error[yaml-syntax]" in done.stderr
    assert (root / "models/gpt-4o.yaml").read_text(encoding="utf-8") == broken


def test_a_read_only_file_stays_as_it_is(tmp_path: Path) -> None:
    root = write_repo(tmp_path, {ACCOUNT: MESSY})
    (root / ACCOUNT).chmod(0o444)
    done = run_cli("fmt", cwd=root)
    assert done.returncode == 5
    assert "read-only" in done.stderr
    assert (root / ACCOUNT).read_text(encoding="utf-8") == MESSY


def test_no_secret_is_in_a_difference(tmp_path: Path) -> None:
    secret = "hunter2hunter2"
    text = f"account:   acme\nendpoints:\n  own:\n    api_key: {secret}\n"
    root = write_repo(tmp_path, {ACCOUNT: text})
    shown = run_cli("fmt", "--diff", cwd=root)
    assert "-account:   acme\n+account: acme\n" in shown.stdout
    assert "    api_key: **************" in shown.stdout
    assert secret not in shown.stdout + shown.stderr


def test_the_worked_example_is_laid_out(tmp_path: Path) -> None:
    done: Any = run_cli("fmt", "--check", cwd=copy_example(tmp_path))
    assert (done.returncode, done.stdout) == (0, "")
