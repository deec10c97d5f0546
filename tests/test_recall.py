"""The goals of recall on a sample: every kind of mistake at two places. ``make mutate`` tries all of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.measuring import unmeasured
from tests.mutate.edits import KINDS, Edit
from tests.mutate.example import Example, load
from tests.mutate.judge import Judge, Judgement
from tests.mutate.meaning import meaning
from tests.mutate.report import RIGHT_SUGGESTION, RIGHT_TOKEN, Figures, misses, render
from tests.mutate.run import ROOT, run

from llmcompile.pipeline import compile_repository


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> list[Judgement]:
    with unmeasured():
        return run(ROOT, tmp_path_factory.mktemp("recall"), places=2)


@pytest.fixture(scope="module")
def example() -> Example:
    return load(ROOT)


@pytest.fixture
def judge(example: Example, tmp_path: Path) -> Judge:
    return Judge(example, tmp_path)


def test_there_are_at_least_sixty_kinds_and_each_fits_somewhere(judged: list[Judgement]) -> None:
    assert len(KINDS) >= 60
    assert {each.kind for each in judged} == set(KINDS)


def test_all_that_is_harmful_is_caught(judged: list[Judgement]) -> None:
    assert [f"{each.kind} at {each.where}" for each in judged if each.harmful and not each.caught] == []


def test_it_is_caught_at_the_token_and_with_the_right_suggestion(judged: list[Judgement]) -> None:
    figures = Figures.of(judged)
    shown = "\n".join(f"{each.kind} at {each.where}" for each in misses(judged))
    assert figures.named >= RIGHT_TOKEN * figures.harmful, shown
    assert figures.suggested >= RIGHT_SUGGESTION * figures.answerable, shown
    assert figures.hold


def test_nothing_is_dropped_silently(judged: list[Judgement]) -> None:
    figures = Figures.of(judged)
    assert figures.places == len(judged) == figures.harmful + figures.harmless + figures.choices
    assert min(figures.harmful, figures.harmless, figures.choices) > 0
    assert f"{figures.harmless:,} harmless" in render(judged)
    assert all(each.edit.choice for each in judged if each.matters and not each.harmful)


def test_what_the_oracle_calls_harmless_compiles_to_the_same_documents(example: Example, judge: Judge) -> None:
    """The oracle reads YAML by itself; here the compiler is asked whether it read well."""
    original = _documents(judge.root)
    tried = 0
    for kind in ("quoted-value", "space-before-a-colon", "comment-removed", "windows-line-ends", "another-description"):
        for edit in list(KINDS[kind].places(example))[::20]:
            with judge.mutated(edit):
                made = _documents(judge.root)
            tried += bool(made)
            assert made in ({}, original), edit.file
    assert tried > 15


def _documents(root: Path) -> dict[str, str]:
    compiled = compile_repository(root, Judge.as_of)
    return {each.path: each.digest for each in compiled.documents}


def test_control_the_oracle_sees_what_matters(example: Example) -> None:
    raw = {file: text.encode() for file, text in example.files.items()}
    whole = meaning(raw)
    assert whole is not None
    for file, old, new in (
        ("accounts/stark.yaml", "tier: free", "tier: pro"),
        ("regions/us-east4.yaml", "[eastus2, openai]", "[openai, eastus2]"),
        ("models/gpt-4o.yaml", "2.50", "2.51"),
        ("models/gpt-4o.yaml", "[general]", "[genral]"),
        ("llmcompile.yaml", "concurrent: 2}", "concurrent: 3}"),
    ):
        changed = example.files[file].replace(old, new, 1)
        assert changed != example.files[file]
        assert meaning({**raw, file: changed.encode()}) != whole
    assert meaning({**raw, "models/gpt-4o.yaml": b"code: ["}) is None
    assert meaning({**raw, "models/gpt-4o.yaml": b"# a note\n" + raw["models/gpt-4o.yaml"]}) == whole


def test_control_a_wrong_place_and_a_wrong_suggestion_are_noticed(example: Example, judge: Judge) -> None:
    tier = example.value("accounts/stark.yaml", "tier")
    right = judge.judge("x", example.replace(tier, "fre", "'free'"))
    assert (right.caught, right.right_token, right.suggested) == ("error", True, True)
    wrong = judge.judge("x", example.replace(tier, "fre", "'pro'"))
    assert (wrong.caught, wrong.right_token, wrong.suggested) == ("error", True, False)
    edit = example.replace(tier, "fre")
    elsewhere = judge.judge("x", Edit(edit.file, edit.changed, ((edit.file, (0, 1)),)))
    assert (elsewhere.caught, elsewhere.right_token, elsewhere.named) == ("error", False, False)


def test_control_what_nothing_is_said_of_is_a_miss(example: Example, judge: Judge) -> None:
    quiet = judge.judge("x", example.replace(example.value("accounts/stark.yaml", "tier"), "pro"))
    assert quiet.harmful
    assert not quiet.caught
    assert misses([quiet]) == [quiet]
    assert not Figures.of([quiet]).hold
