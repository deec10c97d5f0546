"""``fix`` writes what has one answer, at its one word, and leaves everything else to a person."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.compiler.layouts import MANY, layouts, notes
from tests.compiler.repo import FILES, run_cli, write_repo
from tests.compiler.test_edit_add import accounts
from tests.test_golden import AS_OF, ERR, OK

from llmcompile.diagnostics import Diagnostic, Fix, Place, Route
from llmcompile.edit.fixes import fixed
from llmcompile.load import source
from llmcompile.load.source import Source
from llmcompile.load.strict_yaml import load
from llmcompile.pipeline import compile_repository
from llmcompile.suggest import fix_for, nearest

ACCOUNT, MODEL = "accounts/acme.yaml", "models/gpt-4o.yaml"
MODELS = ["gpt-4o", "gpt-4o-mini", "gpt-4.1", "text-embedding-3-large"]
REGIONS = ["europe-west6", "us-east4"]

CERTAIN = [
    ("gpt-4o-mni", MODELS, "gpt-4o-mini"),
    ("gtp-4o", MODELS, "gpt-4o"),
    ("gpt4o", MODELS, "gpt-4o"),
    ("GPT-4o", MODELS, "gpt-4o"),
    ("text-embeding-3-lagre", MODELS, "text-embedding-3-large"),
    ("europe-wset6", REGIONS, "europe-west6"),
    ("suport", ["support", "sales"], "support"),
    ("azure_shared", ["azure-shared"], "azure-shared"),
]
UNCERTAIN = [
    ("gpt-4", MODELS),  # a model of its own, and so are the next three
    ("gpt-4p", MODELS),
    ("gpt-5o", MODELS),
    ("gpt-41", MODELS),
    ("europe-west5", REGIONS),  # a region
    ("golf", ["gold"]),  # a word
    ("team-a", ["team-b"]),
    ("primarx", ["primary", "primara"]),  # one as near as the other
    ("claude", MODELS),
    ("x" * 300, ["x" * 299]),
]


@pytest.mark.parametrize(("name", "known", "meant"), CERTAIN)
def test_what_is_certain(name: str, known: list[str], meant: str) -> None:
    assert fix_for(name, known) == Fix(meant)


@pytest.mark.parametrize(("name", "known"), UNCERTAIN, ids=[name[:20] for name, _ in UNCERTAIN])
def test_what_is_a_guess_is_a_hint_at_most(name: str, known: list[str]) -> None:
    assert fix_for(name, known) is None


def test_names_that_only_we_make_need_less() -> None:
    assert fix_for("teem", ["team", "tier"]) is None
    assert fix_for("teem", ["team", "tier"], closed=True) == Fix("team")
    assert fix_for("tean", ["team", "tear"], closed=True) is None


@given(
    name=st.text("abc-1", min_size=1, max_size=9), known=st.lists(st.text("abc-1", min_size=1, max_size=9), max_size=5)
)
def test_a_fix_is_the_name_that_the_hint_says(name: str, known: list[str]) -> None:
    fix = fix_for(name, known)
    assert fix is None or fix.value == nearest(name, known)


# One word, in any layout.


def _scalars(data: Any, route: Route = ()) -> Iterator[tuple[Route, Any]]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, tuple) else ()
    for step, value in items:
        yield from _scalars(value, (*route, step))
    if route and not isinstance(data, dict | tuple):
        yield route, data


def _replaced(data: Any, route: Route, change: Any) -> Any:
    if not route:
        return change
    if isinstance(data, dict):
        return {key: _replaced(each, route[1:], change) if key == route[0] else each for key, each in data.items()}
    return tuple(_replaced(each, route[1:], change) if at == route[0] else each for at, each in enumerate(data))


def _at(data: Any, route: Route) -> Any:
    for step in route:
        data = data[step]
    return data


VALUES = ["new", "two words", "a: b", "# c", "true", "12", "", True, False, 7, Decimal("2.50")]


@pytest.mark.usefixtures("unmeasured")
@MANY
@given(data=st.data())
def test_a_value_in_any_layout(data: st.DataObject) -> None:
    tree = data.draw(accounts())
    text = data.draw(layouts(tree))
    route, _ = data.draw(st.sampled_from(list(_scalars(tree))))
    value = data.draw(st.sampled_from(VALUES))
    after = fixed(Source(ACCOUNT, text), [_diagnostic(Place(ACCOUNT, route), value)])
    # Text on several lines is never one mistyped word; nothing is listed twice.
    parent = _at(tree, route[:-1])
    doubled = isinstance(parent, tuple) and value in parent
    assert bool(after.done) is not (doubled or _lines(text, route) > 1)
    if not after.done:
        assert after.source.text == text
        return
    assert repr(load(after.source)[0]) == repr(_replaced(tree, route, value))
    assert_one_word(text, after.source.text)


@pytest.mark.usefixtures("unmeasured")
@MANY
@given(data=st.data())
def test_a_key_in_any_layout(data: st.DataObject) -> None:
    tree = data.draw(accounts())
    text = data.draw(layouts(tree))
    parents = {route[:-1] for route, _ in _scalars(tree) if isinstance(route[-1], str)}
    parent = data.draw(st.sampled_from(sorted(parents, key=repr)))
    key = data.draw(st.sampled_from(list(_at(tree, parent))))
    after = fixed(Source(ACCOUNT, text), [_diagnostic(Place(ACCOUNT, (*parent, key), "key"), "new_key")])
    assert after.done
    renamed = {"new_key" if each == key else each: value for each, value in _at(tree, parent).items()}
    assert repr(load(after.source)[0]) == repr(_replaced(tree, parent, renamed))
    assert_one_word(text, after.source.text)


def _lines(text: str, route: Route) -> int:
    """On how many lines the value at a route is written, by PyYAML's own parser."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    for step in route:
        node = (
            node.value[step] if isinstance(step, int) else next(each for key, each in node.value if key.value == step)
        )
    return 2 if node.style in ("|", ">") else 1 + node.end_mark.line - node.start_mark.line


def _diagnostic(place: Place, value: Any) -> Diagnostic:
    return Diagnostic("value-unknown", "not what was meant", place, fix=Fix(value))


def assert_one_word(before: str, after: str) -> None:
    """One line differs, in one place; every comment is there."""
    old, new = before.split("\n"), after.split("\n")
    assert len(old) == len(new)
    assert sum(one != other for one, other in zip(old, new, strict=True)) <= 1
    assert notes(before) == notes(after)


def test_control_more_than_one_word_is_seen() -> None:
    assert_one_word("a: 1\nb: 2 # note-1\n", "a: 1\nb: 3 # note-1\n")
    for after in ("a: 2\nb: 3 # note-1\n", "a: 1\nb: 3\n", "a: 1\n\nb: 2 # note-1\n"):
        with pytest.raises(AssertionError):
            assert_one_word("a: 1\nb: 2 # note-1\n", after)


def test_what_is_shared_by_an_anchor_is_left_to_a_person() -> None:
    text = "a: &x wrogn\nb: *x\nc: &y wrogn\n"
    for route, done in (("a", 0), ("b", 0), ("c", 1)):
        after = fixed(Source("x.yaml", text), [_diagnostic(Place("x.yaml", (route,)), "wrong")])
        assert len(after.done) == done
        assert after.source.text == (text.replace("c: &y wrogn", "c: &y wrong") if done else text)


# The golden cases.


@cache
def _diagnostics(case: Path) -> tuple[Diagnostic, ...]:
    return compile_repository(case, AS_OF).diagnostics


FIXABLE = [each for each in ERR if any(one.fix for one in _diagnostics(each))]


@pytest.mark.parametrize("case", FIXABLE, ids=lambda case: case.name)
def test_a_golden_case_has_less_problems_afterwards(case: Path, tmp_path: Path) -> None:
    root = tmp_path / "repo"
    shutil.copytree(case, root)
    before = {path: path.read_bytes().decode() for path in root.rglob("*.yaml")}
    last, count = list(_diagnostics(case)), 0
    for _ in range(5):
        done = _fix(root, last)
        count += len(done)
        if not done:
            break
        found = compile_repository(root, AS_OF).diagnostics
        assert not {(each.code, each.place) for each in done} & {(each.code, each.place) for each in found}
        last = list(found)
    else:
        raise AssertionError("it goes in circles")
    texts = {path: path.read_bytes().decode() for path in before}
    lines = [pair for path in before for pair in zip(before[path].split("\n"), texts[path].split("\n"), strict=True)]
    assert sum(one != other for one, other in lines) <= count
    assert (count > 0) is (case.name not in UNTOUCHED)


UNTOUCHED = ["key-unknown-region"]
"""The key that was meant is there too: which one counts is for a person."""


def _fix(root: Path, diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    done: list[Diagnostic] = []
    for file in {each.place.file for each in diagnostics if each.fix}:
        read = source.read(root, file)
        assert isinstance(read, Source)
        after = fixed(read, [each for each in diagnostics if each.fix and each.place.file == file])
        (root / file).write_bytes(after.source.text.encode())
        done += after.done
    return done


def test_most_of_what_is_mistyped_has_a_fix_and_nothing_of_a_good_repository_does() -> None:
    assert len(FIXABLE) >= 40
    assert not [case.name for case in OK if any(each.fix for each in _diagnostics(case))]


# The command line.

TYPOS: dict[str, str | None] = {
    ACCOUNT: "# The first account\nacount: acme\nregion: europe-wset6   # Zurich\nsource: 'platfrom'\ntier: pro\n",
    MODEL: FILES[MODEL].replace("USD", "usd").replace("2.5,", '"2.5",') + "access_groups: [General]  # all\n",
}
RIGHT = "# The first account\naccount: acme\nregion: europe-west6   # Zurich\nsource: 'platform'\ntier: pro\n"


def test_the_command_fixes_in_rounds_and_the_check_passes(tmp_path: Path) -> None:
    root = write_repo(tmp_path, TYPOS)
    shown = run_cli("fix", "--dry-run", "--as-of", "2026-01-15", cwd=root)
    assert shown.returncode == 1
    assert "-acount: acme\n" in shown.stdout
    assert "+account: acme\n" in shown.stdout
    assert "5 problems would be fixed" in shown.stderr
    assert (root / ACCOUNT).read_text(encoding="utf-8") == TYPOS[ACCOUNT]
    done = run_cli("fix", "--as-of", "2026-01-15", cwd=root)
    assert done.returncode == 0, done.stderr
    assert "6 problems fixed" in done.stderr  # the region could only be looked up when the rest was right
    assert (root / ACCOUNT).read_text(encoding="utf-8") == RIGHT
    assert (root / MODEL).read_text(encoding="utf-8") == FILES[MODEL] + "access_groups: [general]  # all\n"
    assert run_cli("check", "--as-of", "2026-01-15", cwd=root).returncode == 0
    again = run_cli("fix", "--as-of", "2026-01-15", cwd=root)
    assert (again.returncode, again.stdout) == (0, "")
    assert "0 problems fixed" in again.stderr


def test_what_has_no_fix_is_shown_and_stays(tmp_path: Path) -> None:
    text = FILES[ACCOUNT].replace("europe-west6", "europe-west5")
    root = write_repo(tmp_path, {ACCOUNT: text, MODEL: FILES[MODEL].replace("chat", "chta")})
    done = run_cli("fix", "--as-of", "2026-01-15", cwd=root)
    assert done.returncode == 1
    assert "error[region-unknown]" in done.stderr
    assert "value-unknown" not in done.stderr
    assert (root / ACCOUNT).read_text(encoding="utf-8") == text
    assert (root / MODEL).read_text(encoding="utf-8") == FILES[MODEL]


def test_broken_yaml_is_shown_and_the_rest_is_fixed(tmp_path: Path) -> None:
    broken = "account: [acme\nregoin: x\n"
    root = write_repo(tmp_path, {ACCOUNT: broken, MODEL: FILES[MODEL].replace("chat", "chta")})
    done = run_cli("fix", "--as-of", "2026-01-15", cwd=root)
    assert done.returncode == 1
    assert "error[yaml-syntax]" in done.stderr
    assert (root / ACCOUNT).read_text(encoding="utf-8") == broken
    assert (root / MODEL).read_text(encoding="utf-8") == FILES[MODEL]


def test_a_read_only_file_stays_as_it_is(tmp_path: Path) -> None:
    root = write_repo(tmp_path, TYPOS)
    (root / ACCOUNT).chmod(0o444)
    done = run_cli("fix", "--as-of", "2026-01-15", cwd=root)
    assert done.returncode == 5
    assert "read-only" in done.stderr
    assert (root / ACCOUNT).read_text(encoding="utf-8") == TYPOS[ACCOUNT]


SECRETS = [case for case in FIXABLE if (case / "secrets").exists()]


@pytest.mark.parametrize("case", SECRETS, ids=lambda case: case.name)
@pytest.mark.parametrize("arguments", [("fix", "--dry-run"), ("fmt", "--diff")], ids=["fix", "fmt"])
def test_no_difference_shows_a_secret(case: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    root = tmp_path / "repo"
    shutil.copytree(case, root)
    for path in root.glob("*/*.yaml"):
        path.write_bytes(path.read_bytes() + b"\n\n")
    done = run_cli(*arguments, cwd=root)
    assert "+++ b/" in done.stdout
    for secret in (case / "secrets").read_text("utf-8").splitlines():
        assert secret not in done.stdout + done.stderr
        assert secret[:12] not in done.stdout + done.stderr


def test_there_are_secrets_to_show() -> None:
    assert len(SECRETS) >= 4
