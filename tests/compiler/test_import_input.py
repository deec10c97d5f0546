"""Bad input of an import is refused at its place, and a folder appears whole or not at all."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests.compiler.importing import ONE, Ran, run
from tests.compiler.repo import run_cli

from llmcompile.importing import source, texts


def problems(ran: Ran) -> list[str]:
    """Code and place of everything that stopped an import."""
    return [f"{each['code']} {each['line']}:{each['column']}" for each in ran.report["check"]["problems"]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "file-empty 1:1"),
        ("model_list: [", "yaml-syntax 1:14"),
        ("- a\n", "type-wrong 1:1"),
        ("just text", "type-wrong 1:1"),
        ("general_settings: {}\n", "key-missing 1:1"),
        ("model_list: null\n", "key-missing 1:1"),
        ("include: [models.yaml]\n", "key-missing 1:1"),
        ("model_list: []\n", "value-invalid 1:13"),
        ("model_list: {a: b}\n", "type-wrong 1:13"),
        ("model_list:\n  - text\n", "type-wrong 2:5"),
        ("model_list:\n  - litellm_params: {model: openai/a}\n", "key-missing 2:5"),
        ("model_list:\n  - model_name: a\n", "key-missing 2:5"),
        ("model_list:\n  - {model_name: a, litellm_params: text}\n", "key-missing 2:5"),
        ("model_list:\n  - {model_name: a, litellm_params: {api_key: b}}\n", "key-missing 2:37"),
        ("model_list: &a\n  - *a\n", "yaml-alias 1:13"),
        ("model_list: !!python/object:a {}\n", "yaml-tag 1:13"),
        ("a: 1\n---\nmodel_list: []\n", "yaml-documents 2:1"),
        ("a: 1\na: 2\n", "yaml-duplicate-key 2:1"),
        ("<<: text\n", "yaml-merge-key 1:5"),
        ("? [a]\n: b\n", "yaml-key 1:3"),
        ("model_list:\t[]\n", "file-tab 1:12"),
        ("<<<<<<< ours\n", "file-conflict 1:1"),
        ("a: *b\n", "yaml-alias 1:4"),
        ("[" * 40, "yaml-depth 1:32"),
    ],
)
def test_bad_input_is_refused_at_its_place(text: str, expected: str, tmp_path: Path) -> None:
    ran = run(tmp_path, "litellm", text)
    assert ran.code == 1
    assert problems(ran)[0] == expected
    assert not ran.out.exists()


def test_two_deployments_with_one_id_are_refused_with_both_places(tmp_path: Path) -> None:
    second = ONE.partition("\n")[2]
    info = "    model_info: {id: same}\n"
    ran = run(tmp_path, "litellm", ONE + info + second + info, form="text")
    assert ran.code == 1
    assert "error[list-duplicate]: two deployments have the id 'same'" in ran.stderr
    assert "config.yaml:15:22" in ran.stderr
    assert "the other one: config.yaml:8:22" in ran.stderr


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    ran = run(tmp_path, "litellm", ONE + "# " + "x" * 2**20)
    assert problems(ran) == ["file-too-large 1:1"]


def test_aliases_that_explode_are_refused(tmp_path: Path) -> None:
    laughs = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))
    merges = "b0: &b0 {x: 1}\n" + "".join(
        f"b{n}: &b{n} {{<<: [{', '.join([f'*b{n - 1}'] * 9)}]}}\n" for n in range(1, 9)
    )
    for text in (laughs, merges):
        assert problems(run(tmp_path, "litellm", text + ONE))[0].startswith("yaml-alias")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    ran = run_cli("import", "litellm", "none.yaml", "--out", "out", cwd=tmp_path)
    assert ran.returncode == 1
    assert "error[file-unreadable]: cannot be read: No such file or directory" in ran.stderr


def test_merge_keys_mean_what_pyyaml_makes_of_them(tmp_path: Path) -> None:
    text = """\
a: &a {x: 1, y: 1, z: 1}
b: &b {<<: *a, y: 2, w: 2}
c: {<<: [*b, *a], z: 3}
d: {z: 4, <<: *b}
"""
    (tmp_path / "merged.yaml").write_text(text)
    value, found = source.read(tmp_path / "merged.yaml")
    assert not found
    assert value is not None
    assert texts.data(value) == yaml.safe_load(text)


def test_scalars_are_what_pyyaml_makes_of_them(tmp_path: Path) -> None:
    text = "[True, no, ON, 20_000, -5, 0.5, '1', ~, Null, abc, 1.5e+3, 2024, \"yes\"]"
    (tmp_path / "scalars.yaml").write_text(text)
    value, _ = source.read(tmp_path / "scalars.yaml")
    assert value is not None
    assert list(texts.data(value)) == yaml.safe_load(text)  # type: ignore[arg-type]


def test_a_folder_with_anything_in_it_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "out" / "mine"
    mine.parent.mkdir()
    mine.write_text("mine")
    ran = run(tmp_path, "litellm", ONE)
    assert ran.code == 4
    assert "out is not empty; nothing was written" in ran.stderr
    assert sorted(each for each in tmp_path.rglob("*") if each.is_file()) == [tmp_path / "config.yaml", mine]


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    assert run(tmp_path, "litellm", ONE).code == 4
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert run(tmp_path, "litellm", ONE, out="link").code == 4


def test_an_empty_folder_and_folders_that_do_not_exist_yet_are_fine(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert run(tmp_path, "litellm", ONE).code == 0
    ran = run(tmp_path, "litellm", ONE, out="a/b/c")
    assert ran.code == 0
    assert stat.S_IMODE(ran.out.stat().st_mode) == 0o755
    assert [each.name for each in (tmp_path / "a" / "b").iterdir()] == ["c"]


def test_where_the_disk_refuses_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(ONE)
    ran = run_cli("import", "litellm", "config.yaml", "--out", "/proc/nowhere/out", cwd=tmp_path)
    assert ran.returncode == 5
    assert "cannot write /proc/nowhere/out" in ran.stderr


def test_a_disk_that_is_full_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(ONE)
    script = 'ulimit -f 4; exec "$0" -m llmcompile import litellm config.yaml --out out'
    ran = subprocess.run(
        ["bash", "-c", script, sys.executable], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 5, ran.stderr
    assert "cannot write out: File too large" in ran.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["config.yaml"]


def test_the_result_is_a_whole_repository(tmp_path: Path) -> None:
    ran = run(tmp_path, "litellm", ONE)
    for arguments in (("check",), ("schema", "--check"), ("build",), ("explain", "example", "gpt-4o")):
        assert run_cli(*arguments, cwd=ran.out).returncode == 0, arguments
    assert (ran.out / ".github" / "workflows" / "check.yml").exists()
    assert not (ran.out / "models" / "gpt-4o-mini.yaml").exists()  # the example of a new repository


@pytest.mark.parametrize("options", [("--region", "Zürich"), ("--account", "-"), ("--region", "a" * 60)])
def test_ids_that_no_file_could_have_are_wrong_usage(options: tuple[str, ...], tmp_path: Path) -> None:
    ran = run(tmp_path, "litellm", ONE, *options)
    assert ran.code == 2
    assert options[0] in ran.stderr
