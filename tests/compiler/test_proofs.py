"""Proofs over the fleet: faults planted in the router, how often it is asked, and what is said.

What each says of a fault in the YAML is in the golden cases; brute force is next door.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.compiler.example import ROOT
from tests.compiler.repo import FILES, run_cli, write_repo

from llmcompile.azure_regions import region_in
from llmcompile.inputs.model import FALLBACKS
from llmcompile.link.catalogue import Catalogue
from llmcompile.pipeline import Compiled, compile_repository
from llmcompile.prove import PROOFS, access, reachability
from llmcompile.prove.fleet import Fleet, survey
from llmcompile.prove.genai_prices import GenaiPrices
from llmcompile.prove.reading import Reader
from llmcompile.prove.router import Decide, decide
from llmcompile.show.explain import snapshot_of
from llmrouter.entities import Candidate, Key
from llmrouter.resolve import callable_names
from llmrouter.snapshot import Snapshot

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
GOLDEN = sorted(each for each in (ROOT / "tests/golden").glob("*/*") if each.is_dir())
REGIONS = ("east", "west")


def fleet_of(compiled: Compiled, decide: Decide = decide, as_of: datetime = AS_OF) -> Fleet:
    assert compiled.documents, [each.message for each in compiled.diagnostics]
    return survey(compiled.linked, as_of, compiled.documents, decide=decide)


# --- a router with faults --------------------------------------------------------------------------------------------

SHA = "a" * 64
TWO_MODELS: dict[str, str | None] = {
    "models/gpt-4o.yaml": FILES["models/gpt-4o.yaml"] + "access_groups: [general]\nfallbacks: [mini]\n",
    "models/mini.yaml": FILES["models/gpt-4o.yaml"].replace("gpt-4o", "mini") + "access_groups: [general]\n",
    "models/secret.yaml": FILES["models/gpt-4o.yaml"].replace("gpt-4o", "secret") + "access_groups: [beta]\n",
    "regions/europe-west6.yaml": FILES["regions/europe-west6.yaml"].replace(
        "{gpt-4o: [primary]}", "{gpt-4o: [primary], mini: [primary], secret: [primary]}"
    ),
    "accounts/acme.yaml": (
        "account: acme\nregion: europe-west6\ntier: pro\naccess: {groups: [general], models: [both]}\n"
        "route_groups: {both: {members: [{model: gpt-4o}, {model: mini}]}}\n"
        f"teams: {{small: {{mode: restrict, models: [mini]}}}}\n"
        f"keys:\n  - {{id: all, sha256: {SHA}}}\n  - {{id: small, team: small, sha256: {SHA.replace('a', 'b')}}}\n"
    ),
}


def compiled_two(tmp_path: Path) -> Compiled:
    return compile_repository(write_repo(tmp_path, TWO_MODELS), AS_OF)


def leaky(to: str, of: str) -> Decide:
    """A router that sends those who ask for one name to a model that they may not call."""

    def faulty(snapshot: Snapshot, name: str, key: Key | None, down: frozenset[str]) -> tuple[Candidate, ...]:
        found = decide(snapshot, name, key, down)
        return (*found, *snapshot.candidates[to]) if name == of else found

    return faulty


@pytest.mark.parametrize(
    ("to", "of", "code", "who", "count"),
    [
        ("secret", "gpt-4o", "access-fallback", ["key 'all' of account 'acme'"], 1),
        ("secret", "both", "access-route-group", ["key 'all' of account 'acme'"], 1),
        ("secret", "mini", "access-fallback", ["key 'all' of account 'acme'", "key 'small' of account 'acme'"], 2),
        ("gpt-4o", "mini", "access-fallback", ["key 'small' of account 'acme'"], 1),
    ],
)
def test_access_finds_a_router_that_gives_too_much(
    tmp_path: Path, to: str, of: str, code: str, who: list[str], count: int
) -> None:
    compiled = compiled_two(tmp_path)
    assert access.PROOF.prove(fleet_of(compiled)).counter_examples == ()
    found = access.PROOF.prove(fleet_of(compiled, leaky(to, of))).counter_examples
    assert [each.code for each in found] == [code] * count
    assert [f"{each} may call '{of}', which leads to '{to}', and that it may not" for each in who] == [
        each.message for each in found
    ]
    assert all(each.place.route[0] == "keys" for each in found)


def test_reachability_finds_a_router_that_reaches_nothing(tmp_path: Path) -> None:
    def lazy(snapshot: Snapshot, name: str, key: Key | None, down: frozenset[str]) -> tuple[Candidate, ...]:
        return () if name == "mini" else decide(snapshot, name, key, down)

    compiled = compiled_two(tmp_path)
    assert reachability.PROOF.prove(fleet_of(compiled)).counter_examples == ()
    (found,) = reachability.PROOF.prove(fleet_of(compiled, lazy)).counter_examples
    assert found.message == "key 'all' of account 'acme' may call 'mini', which has no endpoint in europe-west6"
    assert (found.code, found.place.file, found.place.route) == ("reachability", "accounts/acme.yaml", ("region",))


def test_reachability_finds_what_has_no_price_and_no_credential(tmp_path: Path) -> None:
    compiled = compiled_two(tmp_path)
    (found,) = reachability.PROOF.prove(fleet_of(compiled, as_of=datetime(2024, 9, 30, tzinfo=UTC))).counter_examples
    assert found.message == (
        "key 'all' of account 'acme' may call 'both', which has no price in europe-west6; so it is with 2 more"
    )
    region = compiled.linked.regions["europe-west6"]
    bare = {name: replace(each, auth=None) for name, each in region.endpoints.items()}
    fleet = fleet_of(compiled)
    (subject,) = fleet.subjects
    seats = tuple(replace(each, region=replace(region, endpoints=bare)) for each in subject.seats)
    keyless = replace(fleet, subjects=(replace(subject, seats=seats),))
    (found,) = reachability.PROOF.prove(keyless).counter_examples
    assert "which has no credential in europe-west6" in found.message


# --- how often the router is asked -----------------------------------------------------------------------------------


def asked(root: Path, accounts: Iterator[str]) -> int:
    """How often all proofs ask the router about these accounts; each differs in hosts, clients, keys and names."""
    calls = 0

    def counting(snapshot: Snapshot, name: str, key: Key | None, down: frozenset[str]) -> tuple[Candidate, ...]:
        nonlocal calls
        calls += 1
        return decide(snapshot, name, key, down)

    files: dict[str, str | None] = {f"accounts/{text.split()[1]}.yaml": text for text in accounts}
    region = str(TWO_MODELS["regions/europe-west6.yaml"]).replace("PRIMARY_KEY}", "PRIMARY_KEY, geo: eu}")
    files |= {"accounts/acme.yaml": None, "regions/europe-west6.yaml": region}
    compiled = compile_repository(write_repo(root, {**TWO_MODELS, **files}), AS_OF)
    fleet = fleet_of(compiled, counting)
    for proof in PROOFS:
        proof.prove(fleet)
    return calls


def account(number: int, more: str = "") -> str:
    return (
        f"account: a{number}\nregion: europe-west6\nsurvive: 0\nresidency: [eu]\naccess: {{groups: [general]}}\n{more}"
        f"keys:\n  - {{id: bot-{number}, sha256: {number:064x}}}\nendpoints:\n  own-{number}:\n    provider: azure\n"
        f"    base_url: https://a{number}.example.com\n    supported_models: [gpt-4o]\n    geo: eu\n    oauth:\n"
        f"      token_url: https://login.example.com/{number}\n      client_id: c{number}\n"
        f"      client_secret: ref+env://SECRET_{number}\n      scopes: [a]\n"
    )


def test_the_router_is_asked_once_for_accounts_that_it_cannot_tell_apart(tmp_path: Path) -> None:
    one = asked(tmp_path / "1", (account(number) for number in range(1)))
    many = asked(tmp_path / "40", (account(number) for number in range(40)))
    assert many == one > 0


def test_control_accounts_of_other_shapes_are_asked_about(tmp_path: Path) -> None:
    one = asked(tmp_path / "1", (account(number) for number in range(1)))
    groups = "route_groups: {{group-{0}: {{members: [{{model: mini}}], access_groups: [general]}}}}\n"
    assert asked(tmp_path / "2", iter([account(0), account(1, groups.format(1))])) > one
    assert asked(tmp_path / "3", (account(number, groups.format(number)) for number in range(3))) > 2 * one


@pytest.mark.parametrize("case", [ROOT, *(each for each in GOLDEN if each.parent.name == "ok")], ids=lambda at: at.name)
def test_what_many_share_is_read_once_and_comes_to_the_same(case: Path) -> None:
    compiled = compile_repository(case, AS_OF)
    held = {(each.kind, each.owner): each for each in compiled.documents}
    reader = Reader(each for each in compiled.documents if each.kind == "PROVISIONED_OPENAI_CONFIG")
    for account in compiled.linked.accounts.values():
        for region in account.input.all_regions:
            pair = (held["CUSTOMER_LLM_CONFIG", account.id], held["ROUTER_POLICY", account.id])
            whole = snapshot_of(compiled.documents, account.id, region)
            assert reader.snapshot(*pair, region) == replace(whole, digests={})


# --- what is said ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", GOLDEN, ids=[f"{each.parent.name}/{each.name}" for each in GOLDEN])
def test_a_proof_says_nothing_that_a_check_says(case: Path) -> None:
    plain, proven = compile_repository(case, AS_OF), compile_repository(case, AS_OF, proofs=PROOFS)
    more = [each for each in proven.diagnostics if each not in plain.diagnostics]
    assert set(plain.diagnostics) <= set(proven.diagnostics)
    assert {each.code for each in more} <= {"reachability"}
    assert [each.proof.name for each in proven.proofs] == ([each.name for each in PROOFS] if proven.catalogue else [])
    if not plain.failed:
        assert {each.state for each in proven.proofs} <= {"holds", "fails"}


def confined(catalogue: Catalogue, name: str) -> int:
    """Paths from the models of an account on the platform to endpoints, by what is written alone."""
    account = catalogue.accounts[name].input
    granted = set(account.access.groups if account.access else ())

    def targets(code: str) -> set[str]:
        model = catalogue.models[code].input
        further = (each for field in FALLBACKS for each in getattr(model, field))
        return {code}.union(*(targets(each) for each in further))

    served = catalogue.regions[str(account.region)].input.models
    callable_ = [code for code in served if granted & set(catalogue.models[code].input.access_groups)]
    return sum(len(served[target]) for code in callable_ for target in targets(code))


def test_the_worked_example_is_counted_right() -> None:
    compiled = compile_repository(ROOT, AS_OF, proofs=PROOFS)
    combinations = names = 0
    for each in compiled.linked.accounts.values():
        for region in each.input.all_regions:
            snapshot = snapshot_of(compiled.documents, each.id, region)
            keys: list[Key | None] = list(snapshot.keys) or [None]
            combinations += sum(len(snapshot.allowed if key is None else key.allowed) for key in keys)
            names += len(callable_names(snapshot))
    outcomes = {each.proof.name: each.outcome for each in compiled.proofs}
    assert all(outcomes.values())
    assert {name: each.covered for name, each in outcomes.items() if each} | {"prices": 0, "access": 0} == {
        "reachability": combinations,
        "survival": names,
        "prices": 0,
        "access": 0,
        "residency": confined(compiled.linked, "globex"),
        "limits": 3 + len(compiled.documents),
    }


GATED = FILES["accounts/acme.yaml"] + "survive: 1\n"


def test_a_demand_is_a_gate_for_every_command_that_compiles(tmp_path: Path) -> None:
    root = write_repo(tmp_path / "gated", {"accounts/acme.yaml": GATED})
    free = write_repo(tmp_path / "free")
    witness = ("check", "--witness", "genai-prices")
    for arguments in (
        ("check",),
        witness,
        ("build", "--out", "dist"),
        ("plan", "--to", "local"),
        ("explain", "acme", "gpt-4o"),
    ):
        result = run_cli(*arguments, cwd=root)
        assert result.returncode == 1, arguments
        assert "error[survival]" in result.stdout + result.stderr
        assert run_cli(*arguments, cwd=free, PRIMARY_KEY="k").returncode == 0, arguments
    assert not (root / "dist").exists()


def test_text_and_json(tmp_path: Path) -> None:
    root = write_repo(tmp_path, TWO_MODELS)
    text = run_cli("check", "--proofs", cwd=root)
    assert text.returncode == 0
    assert text.stdout.splitlines()[0] == "reachability: holds for 4 combinations of account, region, key and model"
    data = json.loads(run_cli("check", "--proofs", "--format", "json", cwd=root).stdout)
    assert data["format"] == 1
    assert [each["proof"] for each in data["proofs"]] == [each.name for each in PROOFS]
    assert data["proofs"][0] == {
        "proof": "reachability",
        "claim": reachability.PROOF.claim,
        "state": "holds",
        "covered": 4,
        "unit": "combinations of account, region, key and model",
        "broken_by": {},
        "says": "holds for 4 combinations of account, region, key and model",
        "details": [],
    }
    assert "proofs" not in json.loads(run_cli("check", "--format", "json", cwd=root).stdout)


def test_a_proof_that_fails_is_an_exit_code_only_where_it_is_an_error(tmp_path: Path) -> None:
    root = write_repo(tmp_path, {"accounts/acme.yaml": GATED})
    result = run_cli("check", "--proofs", "--format", "json", cwd=root)
    assert result.returncode == 1
    states = {each["proof"]: (each["state"], each["broken_by"]) for each in json.loads(result.stdout)["proofs"]}
    assert states.pop("survival") == ("fails", {"survival": 1})
    assert set(map(str, states.values())) == {"('holds', {})"}


@pytest.mark.parametrize("form", ["github", "sarif"])
def test_where_a_machine_reads_diagnostics_the_proofs_go_to_stderr(tmp_path: Path, form: str) -> None:
    root = write_repo(tmp_path)
    plain, proven = (run_cli("check", *more, "--format", form, cwd=root) for more in ((), ("--proofs",)))
    assert proven.stdout == plain.stdout
    assert "reachability: holds for 1 combinations" in proven.stderr
    assert "reachability" not in plain.stderr


# --- the second witness ----------------------------------------------------------------------------------------------

STAND_IN = """
from decimal import Decimal
from types import SimpleNamespace
__version__ = "0.0.1"
class Usage: pass
def calc_price(usage, model_ref, *, provider_id, genai_request_timestamp):
    assert genai_request_timestamp.tzinfo is not None
    if (provider_id, model_ref) != ("azure", "gpt-4o"):
        raise LookupError(model_ref)
    tiered = SimpleNamespace(base=Decimal("2.50"), tiers=[])
    prices = SimpleNamespace(input_mtok=tiered, output_mtok=Decimal("9"), cache_read_mtok=None)
    return SimpleNamespace(model_price=prices)
"""


def test_the_witness_is_a_package_that_need_not_be_there(tmp_path: Path) -> None:
    root = write_repo(tmp_path / "repo")
    (tmp_path / "site/genai_prices").mkdir(parents=True)
    (tmp_path / "site/genai_prices/__init__.py").write_text(STAND_IN)
    result = run_cli("check", "--witness", "genai-prices", cwd=root, PYTHONPATH=str(tmp_path / "site"))
    assert result.returncode == 0, result.stderr
    assert "warning[price-witness]: text_output is 10 here, and 9 at azure by genai-prices 0.0.1" in result.stdout
    assert "models/gpt-4o.yaml:4:91" in result.stdout
    assert result.stdout.endswith("witness: fails: price-witness (1); genai-prices 0.0.1 confirms 1 of 2 prices\n")
    broken = "raise ModuleNotFoundError('no', name='genai_prices')"
    (tmp_path / "site/genai_prices/__init__.py").write_text(broken)
    missing = run_cli("check", "--witness", "genai-prices", cwd=root, PYTHONPATH=str(tmp_path / "site"))
    assert missing.returncode == 2
    assert "genai_prices is not installed" in missing.stderr
    assert "pip install 'llmcompile[witness]'" in missing.stderr


def test_the_real_package() -> None:
    witness = GenaiPrices.installed()
    prices = witness.prices("azure", "gpt-4o", AS_OF)
    assert prices is not None
    assert set(prices) == {"text_input", "cached_text_input", "text_output"}
    assert 0 < prices["text_input"] < prices["text_output"]
    tiered = witness.prices("gemini", "gemini-2.5-pro", AS_OF)
    assert tiered is not None
    assert tiered["text_input"] > 0
    assert witness.prices("azure", "no-such-model", AS_OF) is None
    assert witness.prices("ollama", "gpt-4o", AS_OF) is None


@pytest.mark.parametrize(("output", "confirmed"), [("10", 2), ("12", 1)])
def test_the_real_package_sees_a_price_that_is_wrong(tmp_path: Path, output: str, confirmed: int) -> None:
    model = FILES["models/gpt-4o.yaml"].replace("text_output: 10", f"text_output: {output}")
    assert f"text_output: {output}}}" in model
    root = write_repo(tmp_path, {"models/gpt-4o.yaml": model})
    result = run_cli("check", "--witness", "genai-prices", "--format", "json", "--as-of", "2026-01-15", cwd=root)
    said = json.loads(result.stdout)
    (proof,) = said["proofs"]
    found = [each["message"] for each in said["diagnostics"] if each["code"] == "price-witness"]
    name = GenaiPrices.installed().name
    assert proof["says"].endswith(f"{name} confirms {confirmed} of 2 prices"), proof["says"]
    assert found == ([] if confirmed == 2 else [f"text_output is 12 here, and 10 at azure by {name}"])


# --- small parts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "region"),
    [
        ("switzerlandnorth-001.azure.example", "switzerlandnorth"),
        ("acme-eastus2.openai.azure.com", "eastus2"),
        ("SwedenCentral", "swedencentral"),
        ("eastus-westus.example.com", None),
        ("northeastus.example.com", None),
        ("primary", None),
        ("", None),
    ],
)
def test_the_azure_region_in_a_name(name: str, region: str | None) -> None:
    assert region_in(name) == region


LOADED = """
import sys
from llmcompile.__main__ import main
sys.argv = ["llmcompile", "check"]
try:
    main()
finally:
    sys.stderr.write(" ".join(each for each in sys.modules if each.startswith("llmrouter")))
"""


def test_a_plain_check_does_without_the_routers_half(tmp_path: Path) -> None:
    free = write_repo(tmp_path / "free")
    gated = write_repo(tmp_path / "gated", {"accounts/acme.yaml": GATED})
    said = [
        subprocess.run([sys.executable, "-c", LOADED], cwd=root, capture_output=True, text=True, check=False).stderr
        for root in (free, gated)
    ]
    assert "llmrouter" not in said[0]
    assert "llmrouter.resolve" in said[1]
