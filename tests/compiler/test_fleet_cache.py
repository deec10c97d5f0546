"""What is known from the last time changes nothing but the time: after any edits, the same is said and written."""

from __future__ import annotations

import marshal
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from tests.compiler.drawn_fleets import Drawn, fleets
from tests.compiler.repo import FILES, run_cli, write_repo
from tests.compiler.thorough import thorough

from llmcompile import check
from llmcompile.check.context import Whole
from llmcompile.check.facts import facts
from llmcompile.codes import CODES
from llmcompile.diagnostics import Diagnostic, Fix, Place, Related, Severity
from llmcompile.errors import RefusedError
from llmcompile.fleet import codec
from llmcompile.fleet.building import build
from llmcompile.fleet.cache import Cache
from llmcompile.fleet.compiling import compile_fleet
from llmcompile.fleet.result import Fleet
from llmcompile.pipeline import compile_repository

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
MODEL = FILES["models/gpt-4o.yaml"]
EDITS: dict[str, tuple[str | None, ...]] = {
    "llmcompile.yaml": (
        FILES["llmcompile.yaml"],
        "version: 1\ntiers: {pro: {requests_per_minute: 60}, spare: {concurrent: 1}}\n",
        "version: 2\n",
    ),
    "models/gpt-4o.yaml": (
        MODEL,
        MODEL.replace("2.5", "3"),
        f"{MODEL}retires: 2026-06-01\n",
        MODEL.replace("2024-10-01", "2026-03-01"),
        MODEL + MODEL.partition("token_costs:\n")[2].replace("2024-10-01", "2050-03-01"),
        "[",
    ),
    "models/other.yaml": (None, MODEL.replace("gpt-4o", "other")),
    "regions/europe-west6.yaml": (
        FILES["regions/europe-west6.yaml"],
        FILES["regions/europe-west6.yaml"].replace("primary.example", "second.example"),
        FILES["regions/europe-west6.yaml"] + "survive: 1\n",
    ),
    **{
        f"accounts/{name}.yaml": (
            FILES["accounts/acme.yaml"].replace("acme", name),
            FILES["accounts/acme.yaml"].replace("acme", name).replace("platform", "auto"),
            FILES["accounts/acme.yaml"].replace("acme", name).replace("pro", "por"),
            f"account: {name}\nregion: europe-west6\nsurvive: 1\n",
            *(
                f"account: {name}\nregion: europe-west6\nendpoints:\n  own: {{provider: azure, api_key: ref+env://A, "
                f"base_url: 'https://{host}.example/', expires: 2026-02-01, supported_models: [gpt-4o]}}\n"
                for host in "ab"  # nobody else can tell
            ),
            "account: [\n",
            None,
        )
        for name in ("acme", "globex", "hooli")
    },
    "accounts/notes.yml": (None, "x: 1\n"),
}
INSTANTS = [AS_OF + timedelta(days=days) for days in (-800, 0, 1, 31, 59, 150, 4_000)]


class Edited(RuleBasedStateMachine):
    """Edits, checks and builds in any order. Every one is compared with the same without a cache."""

    @initialize()
    def start(self) -> None:
        self.home = Path(tempfile.mkdtemp())
        self.root = write_repo(self.home / "repo")
        self.known, self.dist, self.cold = (self.home / each for each in ("known", "dist", "cold"))
        self.as_of = AS_OF

    def teardown(self) -> None:
        if hasattr(self, "home"):
            shutil.rmtree(self.home)

    @rule(edit=st.sampled_from([(file, text) for file, texts in EDITS.items() for text in texts]), quiet=st.booleans())
    def edit(self, edit: tuple[str, str | None], quiet: bool) -> None:
        path, text = self.root / edit[0], edit[1]
        if text is None:
            path.unlink(missing_ok=True)
            return
        before = path.stat() if path.exists() else None
        path.write_text(text, encoding="utf-8")
        if quiet and before:  # who sets the time back changes what else the system knows
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    @rule(instant=st.sampled_from(INSTANTS))
    def wait(self, instant: datetime) -> None:
        self.as_of = instant

    @rule(kept=st.sampled_from(["whole", "cut", "gone", "mine"]))
    def lose(self, kept: str) -> None:
        for file in filter(Path.is_file, self.known.glob("*") if kept != "whole" else ()):
            raw = file.read_bytes()
            file.write_bytes({"gone": b"", "cut": raw[: len(raw) // 2], "mine": raw[:-3] + b"abc"}[kept])

    @rule(how=st.sampled_from(["nothing", "change", "remove", "add", "add folder"]), aside=st.booleans())
    def meddle(self, how: str, aside: bool) -> None:
        folder = next(self.known.glob("spare/*"), self.dist) if aside else self.dist
        written = sorted(folder.rglob("*.json"))
        if how == "nothing" or not written:
            return
        if how == "change":
            written[0].write_text("{}")
        elif how == "remove":
            written[-1].unlink()
        elif how == "add":
            (folder / "accounts" / "more.json").write_text("{}")
        else:
            (folder / "accounts" / "more" / "and more").mkdir(parents=True, exist_ok=True)

    @rule(settled=st.booleans())
    def check(self, settled: bool) -> None:
        cache = self._known(settled)
        fleet = cache.unchanged(self.as_of) or compile_fleet(self.root, self.as_of, jobs=1, cache=cache)
        cache.save()
        self._is_right(fleet)

    @rule(settled=st.booleans(), spares_from=st.sampled_from([0, 0, 2_000]))
    def build(self, settled: bool, spares_from: int) -> None:
        cache = self._known(settled)
        try:
            fleet, count = build(self.root, self.as_of, self.dist, jobs=1, cache=cache, spares_from=spares_from)
        except RefusedError:
            shutil.rmtree(self.dist)  # its manifest was meddled with
            return
        cache.save()
        self._is_right(fleet)
        if not fleet.failed:
            cold, number = build(self.root, self.as_of, self.cold, jobs=1)
            assert (fleet.entries or cold.entries, count) == (cold.entries, number)
            assert tree(self.dist) == tree(self.cold)

    def _known(self, settled: bool) -> Cache:
        cache = Cache.of(self.root, self.known, (lambda: 2**62) if settled else time.time_ns)
        assert cache
        return cache

    def _is_right(self, fleet: Fleet) -> None:
        plain = compile_repository(self.root, self.as_of)
        assert sorted(map(repr, fleet.diagnostics)) == sorted(map(repr, plain.diagnostics))
        assert fleet.scope == plain.scope


TestEdited = Edited.TestCase
TestEdited.settings = settings(thorough(25), stateful_step_count=25)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file, and every folder as if it were an empty one."""
    return {
        str(each.relative_to(folder)): each.read_bytes() if each.is_file() else b""
        for each in sorted(folder.rglob("*"))
    }


# What is used, and what is not.


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    accounts = {f"accounts/a{n}.yaml": FILES["accounts/acme.yaml"].replace("acme", f"a{n}") for n in range(5)}
    return write_repo(tmp_path / "repo", {**accounts, "accounts/acme.yaml": None})


def stats(root: Path, tmp_path: Path, *arguments: str | Path) -> str:
    done = run_cli(*arguments, "--stats", cwd=root, XDG_CACHE_HOME=str(tmp_path / "xdg"))
    assert done.returncode in (0, 1)
    return next(line for line in done.stderr.splitlines() if line.startswith("cache: ")).removeprefix("cache: ")


def test_why_it_helped_and_why_not_is_said(fleet: Path, tmp_path: Path) -> None:
    assert stats(fleet, tmp_path, "check") == "nothing is known of this folder yet"
    assert stats(fleet, tmp_path, "check") == "nothing has changed"
    with (fleet / "accounts/a3.yaml").open("a") as stream:
        stream.write("# more\n")
    said = "1 of 5 accounts differ, in nothing that is said of them or others"
    assert stats(fleet, tmp_path, "check") == said
    assert stats(fleet, tmp_path, "check") == "nothing has changed"
    (fleet / "accounts/a3.yaml").write_text("account: a3\nregion: europe-west6\n")  # without a tier
    assert stats(fleet, tmp_path, "check") == "4 of 5 accounts are as they were"
    with (fleet / "llmcompile.yaml").open("a") as stream:
        stream.write("# more\n")
    said = stats(fleet, tmp_path, "check")
    assert said == "llmcompile.yaml, a model or a region has changed, and with it any account"
    assert stats(fleet, tmp_path, "check", "--no-cache") == "not used"
    (cached,) = (tmp_path / "xdg/llmcompile").iterdir()
    cached.write_bytes(cached.read_bytes()[:-1])
    assert stats(fleet, tmp_path, "check") == "its file is damaged"
    cached.write_bytes(b"x" * 100)
    assert stats(fleet, tmp_path, "check") == "another version of llmcompile was here"


def test_documents_that_are_there_are_left_there(fleet: Path, tmp_path: Path) -> None:
    out = tmp_path / "dist"
    stats(fleet, tmp_path, "build", "--out", out)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    assert stats(fleet, tmp_path, "build", "--out", out) == "nothing has changed"
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    inodes = {path.relative_to(out): path.stat().st_ino for path in out.rglob("*_*.json")}
    (fleet / "accounts/a3.yaml").write_text("account: a3\nregion: europe-west6\n")
    assert stats(fleet, tmp_path, "build", "--out", out) == "4 of 5 accounts are as they were"
    linked = {path for path, inode in inodes.items() if (out / path).stat().st_ino == inode}
    assert {path.parts[1] for path in linked} == {"a0", "a1", "a2", "a4"}


def test_after_any_edit_of_one_account_the_same_is_said_as_without_a_cache(tmp_path: Path) -> None:
    helped = set()
    for first, second in permutations(filter(None, EDITS["accounts/acme.yaml"]), 2):
        root, known = write_repo(tmp_path / "repo"), tmp_path / "known"
        for text in (first, second):
            (root / "accounts/acme.yaml").write_text(text)
            cache = Cache.of(root, known)
            assert cache
            fleet = compile_fleet(root, AS_OF, jobs=1, cache=cache)
            cache.save()
        plain = compile_repository(root, AS_OF)
        assert sorted(map(repr, fleet.diagnostics)) == sorted(map(repr, plain.diagnostics)), (first, second)
        assert fleet.scope == plain.scope
        helped |= {said for said in cache.said if "differ" in said}
        shutil.rmtree(known)
    assert helped == {"1 of 1 accounts differ, in nothing that is said of them or others"}


def test_a_check_in_between_does_not_hide_an_edit_from_the_build(fleet: Path, tmp_path: Path) -> None:
    out = tmp_path / "dist"
    stats(fleet, tmp_path, "build", "--out", out)
    own = "base_url: 'https://{}.example/', api_key: ref+env://A, supported_models: [gpt-4o]"
    for host in ("one", "two"):
        (fleet / "accounts/a3.yaml").write_text(
            "account: a3\nregion: europe-west6\n" + f"endpoints: {{own: {{provider: azure, {own.format(host)}}}}}\n"
        )
        said = stats(fleet, tmp_path, "check")
        stats(fleet, tmp_path, "build", "--out", out)
        assert host in (out / "accounts/a3/CUSTOMER_LLM_CONFIG.json").read_text()
    assert said == "1 of 5 accounts differ, in nothing that is said of them or others"


def test_the_old_folder_is_not_written_to(fleet: Path, tmp_path: Path) -> None:
    out = tmp_path / "dist"
    stats(fleet, tmp_path, "build", "--out", out)
    first, second = sorted((out / "accounts/a1").iterdir())
    second.write_text("{}")  # somebody did; so both are compiled again
    (tmp_path / "held").hardlink_to(first)
    before = (tmp_path / "held").stat()
    assert stats(fleet, tmp_path, "build", "--out", out) == "5 of 5 accounts are as they were"
    assert first.stat().st_ino != before.st_ino
    assert (tmp_path / "held").stat().st_mtime_ns == before.st_mtime_ns
    assert second.read_text() != "{}"


def test_a_folder_that_others_write_to_is_not_trusted(fleet: Path, tmp_path: Path) -> None:
    stats(fleet, tmp_path, "check")
    (tmp_path / "xdg/llmcompile").chmod(0o777)
    assert stats(fleet, tmp_path, "check") == "not used"
    (tmp_path / "xdg/llmcompile").chmod(0o700)
    assert stats(fleet, tmp_path, "check") == "nothing has changed"  # the control


def test_a_repository_with_symbolic_links_has_none(fleet: Path, tmp_path: Path) -> None:
    (fleet / "accounts/linked.yaml").symlink_to("a1.yaml")
    assert stats(fleet, tmp_path, "check") == "not used"


def test_a_cache_that_cannot_be_written_is_no_error(fleet: Path, tmp_path: Path) -> None:
    (tmp_path / "xdg").write_text("a file")
    assert stats(fleet, tmp_path, "check") == "not used"


def test_it_lies_outside_of_the_repository_and_holds_no_secret(tmp_path: Path) -> None:
    canary = "sk-proj-" + "Zq7x" * 12
    accounts = {"accounts/acme.yaml": FILES["accounts/acme.yaml"] + f"description: '{canary}'\n"}
    root = write_repo(tmp_path / "repo", {**accounts, "accounts/fine.yaml": "account: fine\nregion: europe-west6\n"})
    before = sorted(root.rglob("*"))
    assert canary not in stats(root, tmp_path, "check")
    assert sorted(root.rglob("*")) == before
    (cached,) = (tmp_path / "xdg/llmcompile").iterdir()
    raw = cached.read_bytes()
    assert canary.encode() not in raw
    assert b"fine_llm_config" in raw  # the control: the other account is in there
    assert cached.stat().st_mode & 0o077 == 0


def test_what_was_not_asked_for_in_a_month_is_removed(fleet: Path, tmp_path: Path) -> None:
    folder = tmp_path / "xdg/llmcompile"
    folder.mkdir(parents=True, mode=0o700)
    old, young = "0" * 32, "1" * 32
    for name, days in ((old, 31), (young, 29), ("not ours", 31)):
        (folder / name).write_text("")
        os.utime(folder / name, (time.time() - days * 86_400,) * 2)
    stats(fleet, tmp_path, "check")
    assert {each.name for each in folder.iterdir()} > {young, "not ours"}
    assert not (folder / old).exists()


def test_a_warm_command_imports_no_validator(fleet: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from llmcompile.cli.main import cli; sys.argv = ['llmcompile', *sys.argv[1:]]\n"
        "try: cli(standalone_mode=False)\nexcept SystemExit: pass\n"
        "print('pydantic' in sys.modules)"
    )
    seen = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", program, "check"],
            cwd=fleet,
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "xdg")},
            capture_output=True,
            text=True,
            check=True,
        )
        seen.append(done.stdout.split()[-1])
    assert seen == ["True", "False"]


# How long what was said holds.


@thorough(40)
@given(fleets(), st.lists(st.datetimes(datetime(1985, 1, 1), datetime(2075, 1, 1)), min_size=2, max_size=4))
def test_between_two_turns_the_same_is_said(drawn: Drawn, moments: list[datetime]) -> None:
    dated = {
        "models/gpt-4o.yaml": EDITS["models/gpt-4o.yaml"][2],
        "accounts/dated.yaml": EDITS["accounts/acme.yaml"][4],
    }
    with tempfile.TemporaryDirectory() as folder:
        root = write_repo(Path(folder), {**drawn.files(), **dated})
        catalogue = compile_repository(root, AS_OF).linked
        wholes = [
            Whole(catalogue, tuple(map(facts, catalogue.accounts.values())), each.replace(tzinfo=UTC))
            for each in moments
        ]
        first = wholes[0]
        after, before = check.span(first)
        for other in wholes[1:]:
            if (after is None or after < other.as_of) and (before is None or other.as_of < before):
                ours, theirs = (sorted(map(_lasting, check.whole(each))) for each in (first, other))
                assert ours == theirs


def _lasting(said: Diagnostic) -> str:
    """All of it, or of an error, which is never kept, what it is about: some say now."""
    return repr((said.code, said.place) if said.severity is Severity.ERROR else said)


ROUTE = st.lists(st.one_of(st.text(), st.integers(0, 9))).map(tuple)
SAID = st.builds(
    Diagnostic,
    st.sampled_from(sorted(CODES)),
    st.text(),
    st.builds(
        Place,
        st.text(),
        st.lists(st.one_of(st.text(), st.integers(0, 9))).map(tuple),
        st.sampled_from(["key", "value"]),
    ),
    st.text(),
    st.lists(st.builds(Related, st.builds(Place, st.text()), st.text())).map(tuple),
    st.one_of(st.none(), st.builds(Fix, st.one_of(st.text(), st.integers(), st.decimals(allow_nan=False)))),
)


@thorough(100)
@given(SAID)
def test_a_diagnostic_survives(said: Diagnostic) -> None:
    again = codec.diagnostic_in(marshal.loads(marshal.dumps(codec.diagnostic_out(said))))
    assert again == said
    assert repr(again) == repr(said)  # 1 is not Decimal(1)
