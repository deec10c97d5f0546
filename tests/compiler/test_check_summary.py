"""``check`` on a terminal ends in one screen about the fleet; piped, it says what it always said."""

from __future__ import annotations

import re
from pathlib import Path

from tests.compiler.example import AS_OF, ROOT, copy_example
from tests.compiler.repo import FILES, run_cli, write_repo
from tests.compiler.test_terminal import ANSI, on_terminal

from llmcompile.pipeline import compile_repository
from llmcompile.prove import PROOFS
from llmcompile.show import summary

GOLDEN = sorted(each for each in (ROOT / "tests/golden").glob("*/*") if each.is_dir())
NOW = f"{AS_OF:%Y-%m-%d}"


def screen(root: Path) -> dict[str, list[str]]:
    """The lines by what they are about."""
    found: dict[str, list[str]] = {}
    head = ""
    for line in summary.render(compile_repository(root, AS_OF), AS_OF).splitlines():
        head = line[:10].strip() or head
        found.setdefault(head, []).append(line[10:])
    return found


def test_it_is_on_a_terminal_and_nowhere_else(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "repo")
    compiled = compile_repository(root, AS_OF)
    shown = summary.render(compiled, AS_OF)
    seen = ANSI.sub("", on_terminal("check", "--as-of", NOW, cwd=root))
    assert "weakest" in shown
    assert shown in seen
    assert seen.splitlines()[-1].startswith(compiled.scope)  # what it comes to stays the last line
    piped = run_cli("check", "--as-of", NOW, cwd=root)
    assert "weakest" not in piped.stdout + piped.stderr
    for form in ("json", "github"):
        assert "weakest" not in on_terminal("check", "--as-of", NOW, "--format", form, cwd=root)
    assert piped.stdout.strip() in seen


def test_what_it_says_is_what_the_proofs_say() -> None:
    found = screen(ROOT)
    compiled = compile_repository(ROOT, AS_OF, proofs=PROOFS)
    says = {each.proof.name: each.outcome for each in compiled.proofs}
    survives, fits = says["survival"], says["limits"]
    assert survives
    assert fits
    counts = re.match(r"[\d,]+ of [\d,]+ ", survives.says)
    assert counts
    assert found["survival"][0].startswith(counts[0])
    for line in found["weakest"][:-1]:
        number, outage = re.fullmatch(r"(\S+) fall with (.*)", line).groups()  # type: ignore[union-attr]
        assert any(each.startswith(f"{outage} strands {number}") for each in survives.details), line
    for line in found["room"]:
        kind, owner, size, free = re.fullmatch(r"(\S+) of '(.*)': (\S+) bytes, (\d+)% free", line).groups()  # type: ignore[union-attr]
        assert any(
            each.startswith(f"largest {kind}: '{owner}' with {size} of 65,536 bytes, {free}% free")
            for each in fits.details
        )
    assert len(found["room"]) == len(fits.details)


def test_what_expires_next_comes_first(tmp_path: Path) -> None:
    region = FILES["regions/europe-west6.yaml"].replace("PRIMARY_KEY}", "PRIMARY_KEY, expires: 2026-02-01}")
    found = screen(write_repo(tmp_path, {"regions/europe-west6.yaml": region}))
    assert found["next"] == ["2026-02-01 (in 17 days) the key of endpoint 'primary' of region 'eu..."]


def test_problems_by_code_the_most_first_and_nothing_proven_of_what_is_wrong(tmp_path: Path) -> None:
    wrong = {f"accounts/a{at}.yaml": f"account: a{at}\nregion: nowhere\ntier: pro\n" for at in range(3)}
    wrong["accounts/b.yaml"] = "account: b\nregion: europe-west6\ntier: por\n"
    found = screen(write_repo(tmp_path, {**wrong}))
    assert found["problems"][0] == "4 errors: region-unknown (3), tier-unknown (1)"
    assert not {"survival", "weakest", "room"} & found.keys()


def test_it_is_one_screen_whatever_is_wrong() -> None:
    screens = {folder: summary.render(compile_repository(folder, AS_OF), AS_OF).splitlines() for folder in GOLDEN}
    assert not {folder.name for folder, lines in screens.items() if len(lines) > summary.LINES}
    assert not [line for lines in screens.values() for line in lines if len(line) > summary.WIDTH]
    assert sum(bool(lines) for lines in screens.values()) > 100


def test_it_is_one_screen_where_there_is_much_of_everything(tmp_path: Path) -> None:
    row = "{{start: 2026-{0:02}-01, currency: USD, per_million_tokens: {{text_input: {0}, text_output: {0}}}}}"
    cost = ", ".join(row.format(month) for month in range(1, 13))
    endpoints = "".join(
        f"  e{at}: {{provider: azure, base_url: https://e{at}.example.com, api_key: ref+env://KEY_{at}}}\n"
        for at in range(12)
    )
    served = ", ".join(f"m{at}: [e{at}]" for at in range(12))
    files = {f"models/m{at}.yaml": f"code: m{at}\ntype: chat\ntoken_costs: [{cost}]\n" for at in range(12)}
    files["regions/europe-west6.yaml"] = f"region: europe-west6\nendpoints:\n{endpoints}models: {{{served}}}\n"
    found = screen(write_repo(tmp_path, {**files, "models/gpt-4o.yaml": None}))
    assert found["next"][-1].endswith("more: llmcompile calendar")
    assert found["weakest"][-1] == "8 more: llmcompile check --proofs"
    assert summary.LINES - 3 <= sum(map(len, found.values())) <= summary.LINES
