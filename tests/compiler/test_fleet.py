"""The fleet by many processes says and writes what one process does that keeps everything."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.compiler.drawn_fleets import Drawn, fleets
from tests.compiler.repo import FILES, run_cli, write_documents, write_repo
from tests.compiler.thorough import thorough

from llmcompile.emit import dist
from llmcompile.errors import OutsideError
from llmcompile.fleet.accounts import TOGETHER, in_groups
from llmcompile.fleet.compiling import compile_fleet
from llmcompile.fleet.folder import Folder
from llmcompile.fleet.result import Fleet
from llmcompile.fleet.spread import spread
from llmcompile.load.repository import Repository, load_repository
from llmcompile.pipeline import Compiled, compile_repository
from llmcompile.prove import PROOFS
from llmcompile.prove.fleet import Ground
from llmcompile.prove.outcome import Look, Outcome, Proof
from llmcompile.prove.witness import FakeWitness, confirmation

R = TypeVar("R")
AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted(each for kind in ("err", "ok") for each in (GOLDEN / kind).iterdir() if each.is_dir())
EXAMPLE = Path(__file__).parents[2]
WITNESS = FakeWitness({"azure": {"gpt-4o": {"text_input": Decimal(3)}, "m0": {"text_input": Decimal(1)}}})
ASKED = (*PROOFS, confirmation(WITNESS))
Said = tuple[list[str], list[str], dict[str, bytes]]
"""Words, paths, and bytes by path."""


def said(
    root: Path, jobs: int, as_of: datetime = AS_OF, proofs: Sequence[Proof] = (), against: Repository | None = None
) -> Said:
    """What the fleet is said to be, and the files that it comes to."""
    with tempfile.TemporaryDirectory() as folder:
        fleet = compile_fleet(root, as_of, folder=Folder(Path(folder)), jobs=jobs, proofs=proofs, against=against)
        files = {str(each.relative_to(folder)): each.read_bytes() for each in Path(folder).rglob("*.json")}
    paths = [] if fleet.failed else [entry.path for entry in fleet.entries]
    return _words(fleet), paths, {} if fleet.failed else files


def expected(
    root: Path, as_of: datetime = AS_OF, proofs: Sequence[Proof] = (), against: Repository | None = None
) -> Said:
    """The same by the pipeline that keeps everything."""
    compiled = compile_repository(root, as_of, proofs=proofs, against=against)
    with tempfile.TemporaryDirectory() as folder:
        write_documents(Path(folder) / "dist", compiled.documents)
        files = {
            str(each.relative_to(Path(folder) / "dist")): each.read_bytes()
            for each in (Path(folder) / "dist").rglob("*.json")
            if each.name != dist.MANIFEST
        }
    return _words(compiled), [each.path for each in compiled.documents], files


def _words(said: Fleet | Compiled) -> list[str]:
    """All that is said, in order."""
    proven = [f"{each.proof.name} {each.outcome} {sorted(each.broken.items())}" for each in said.proofs]
    return [said.scope, *said.files, *map(repr, said.diagnostics), *proven]


def _demands(case: Path) -> bool:
    written = [each.read_bytes() for each in case.rglob("*.yaml") if each.is_file()]
    return any(b"survive" in each or b"residency" in each for each in written)


@pytest.mark.parametrize("start", range(0, len(CASES), 50))
def test_golden_cases(start: int) -> None:
    for case in CASES[start : start + 50]:
        before = load_repository(case / "against")[0] if (case / "against").exists() else None
        for asked in (ASKED, ()) if _demands(case) else (ASKED,):  # the gates alone, and among all proofs
            assert said(case, 1, AS_OF, asked, before) == expected(case, AS_OF, asked, before), case.name


@pytest.mark.parametrize("jobs", [1, 2, 7])
def test_the_worked_example(jobs: int) -> None:
    for as_of in (AS_OF, AS_OF.replace(year=2031)):  # when much is past its date
        assert said(EXAMPLE, jobs, as_of, PROOFS) == expected(EXAMPLE, as_of, PROOFS)


@thorough(15)
@given(fleets(), st.booleans())
def test_fleets_that_demand_proof(drawn: Drawn, asked: bool) -> None:
    proofs = PROOFS if asked else ()
    with tempfile.TemporaryDirectory() as folder:
        root = write_repo(Path(folder), drawn.files())
        assert said(root, 1, proofs=proofs) == expected(root, proofs=proofs)


@thorough(5)
@given(fleets(), st.integers(2, 4), st.booleans())
def test_crowds_that_demand_proof(drawn: Drawn, jobs: int, asked: bool) -> None:
    """As many accounts as make several processes work, of two shapes: each process finds what others find too."""
    names = [f"a{number:03}" for number in range(100)]
    kinds = [drawn.accounts["globex" if number % 7 in (0, 3) else "acme"] for number in range(100)]
    crowd = {name: {**kind, "account": name} for name, kind in zip(names, kinds, strict=True)}
    with tempfile.TemporaryDirectory() as folder:
        root = write_repo(Path(folder), replace(drawn, accounts=crowd).files())
        proofs = ASKED if asked else ()
        assert said(root, jobs, proofs=proofs) == expected(root, proofs=proofs)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Accounts of many shapes in numbers that seven processes share, with something for each proof to say."""
    region = str(FILES["regions/europe-west6.yaml"]) + "survive: 1\n"
    files: dict[str, str | None] = {"accounts/acme.yaml": None, "regions/europe-west6.yaml": region}
    for number in range(7 * 32 + 5):
        name = f"a{number:03}"
        files[f"accounts/{name}.yaml"] = (
            f"account: {name}\nregion: europe-west6\ntier: pro\n"
            + ("residency: [eu]\n" if number % 5 == 2 else "")
            + ("survive: 0\n" if number % 11 == 5 else "")
            + f"route_groups: {{g{number % 9}: {{members: [{{model: gpt-4o}}]}}}}\n"
            + "keys:\n"
            + "".join(f"  - {{id: k{key}, sha256: {number * 9 + key:064x}}}\n" for key in range(1 + number % 3))
            + (OWN.format(number, "eu" if number % 2 else "us") if number % 4 else "")
        )
    return write_repo(tmp_path_factory.mktemp("planted"), files)


OWN = (
    "endpoints:\n  own{0}: {{provider: azure, base_url: https://a{0}.example.com, api_key: ref+env://OWN_{0},"
    " geo: {1}, supported_models: [gpt-4o]}}\n"
)


@pytest.fixture(scope="module")
def proven(planted: Path) -> Said:
    return expected(planted, proofs=ASKED)


@pytest.mark.parametrize("jobs", range(1, 8))
def test_what_is_proven_does_not_depend_on_who_looks(planted: Path, proven: Said, jobs: int) -> None:
    found = said(planted, jobs, proofs=ASKED)
    assert found == proven
    codes = ("survival", "residency", "price-witness")
    assert all(any(f"code='{code}'" in each for each in found[0]) for code in codes)


def test_control_a_proof_that_counts_on_who_looks_is_seen(planted: Path) -> None:
    def look(ground: Ground) -> Look:
        seen: list[str] = []
        return lambda subject: seen.append(subject.account.id) or len(seen)

    careless = Proof("careless", "", (), look, lambda ground, found: Outcome(max(found), "accounts of one process"))
    one, three = (said(planted, jobs, proofs=[careless]) for jobs in (1, 3))
    assert one != three


def test_a_fleet_with_mistakes_everywhere(tmp_path: Path) -> None:
    changes = {
        f"accounts/a{number:03}.yaml": f"account: a{number:03}\nregion: europe-west6\ntier: {tier}\n"
        for number, tier in enumerate(["pro", "por", "[", "pro\nsource: none"] * 40)
    }
    root = write_repo(tmp_path, changes)
    found, paths, _ = said(root, 3, proofs=PROOFS)
    assert (found, paths) == expected(root, proofs=PROOFS)[:2]
    assert sum(each.startswith("Diagnostic(") for each in found) == 120
    assert not paths


def test_the_command_writes_the_same_with_any_number_of_processes(tmp_path: Path) -> None:
    root = write_repo(tmp_path / "repo", _many(150))
    for jobs in ("1", "3"):
        done = run_cli("build", "--jobs", jobs, "--out", tmp_path / jobs, cwd=root)
        assert (done.returncode, done.stderr) == (0, "")
    one, three = (
        {each.relative_to(tmp_path / n): each.read_bytes() for each in (tmp_path / n).rglob("*.json")} for n in "13"
    )
    assert one == three
    assert len(one) == 304


# What goes wrong with processes.


def on_each(work: Callable[[int], R], count: int, processes: int) -> Generator[R, None, None]:
    """The work on so many numbers, spread in groups as accounts are."""
    return spread(lambda group: list(map(work, group)), in_groups(range(count)), processes)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("items", [0, 1, TOGETHER - 1, TOGETHER, TOGETHER + 1, 500])
def test_results_come_in_order(items: int, count: int) -> None:
    assert list(on_each(lambda number: number * 2, items, count)) == [2 * each for each in range(items)]


def test_what_is_raised_is_raised_here() -> None:
    def work(number: int) -> int:
        if number == 70:
            raise OutsideError("no more", "wait")
        return number

    results = on_each(work, 200, 2)
    assert [next(results) for _ in range(64)] == list(range(64))
    with pytest.raises(OutsideError, match="no more") as caught:
        list(results)
    assert caught.value.next_step == "wait"


@pytest.mark.parametrize("victim", [0, 1, 2])
def test_a_process_that_is_killed_is_said(victim: int) -> None:
    def work(number: int) -> bytes:
        if number == victim * TOGETHER + 5:
            os.kill(os.getpid(), signal.SIGKILL)
        return bytes(50_000)  # more than a pipe holds: the others wait for somebody to read

    with pytest.raises(OutsideError, match="was killed"):
        list(on_each(work, 600, 3))


def test_who_stops_early_leaves_no_process_behind() -> None:
    def pid(number: int) -> int:
        return os.getpid()

    results = on_each(pid, 5_000, 2)
    found = {next(results), *(next(results) for _ in range(64))} - {os.getpid()}
    assert len(found) == 2
    results.close()
    for each in found:
        with pytest.raises(ProcessLookupError):
            os.kill(each, 0)


@pytest.fixture
def building(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A build by two processes that has begun to write."""
    root = write_repo(tmp_path / "repo", _many(1_500))
    command = [sys.executable, "-m", "llmcompile", "build", "--jobs", "2", "--out", str(tmp_path / "dist")]
    process = subprocess.Popen(
        command,
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background has it ignored
    )
    with process:
        while not any(tmp_path.glob(".dist.*/accounts/*")):
            assert process.poll() is None, process.stderr and process.stderr.read()
            time.sleep(0.005)
        yield process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_build_that_is_stopped_leaves_nothing(
    building: subprocess.Popen[str], tmp_path: Path, number: int, code: int
) -> None:
    os.killpg(building.pid, number)  # as a terminal does, or a runner: everyone in the group gets it
    _, stderr = building.communicate(timeout=60)
    assert building.returncode == code, stderr
    assert "Traceback" not in stderr
    assert [each.name for each in tmp_path.iterdir()] == ["repo"]


def test_a_build_that_is_killed_takes_its_processes_along(building: subprocess.Popen[str], tmp_path: Path) -> None:
    building.kill()  # it alone: its forks find out
    building.communicate(timeout=60)  # ends once nobody has its stderr any more: the forks have it as long as they live
    assert building.returncode == -signal.SIGKILL


def _many(accounts: int) -> dict[str, str | None]:
    plain = FILES["accounts/acme.yaml"]
    return {f"accounts/a{n:04}.yaml": plain.replace("acme", f"a{n:04}") for n in range(accounts)}
