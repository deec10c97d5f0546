"""``model add``, ``account add``, ``endpoint add``, and keys: what is added, and all that stays as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.compiler.example import AS_OF, copy_example
from tests.compiler.layouts import MANY, assert_only_added, corpus, data_of, layouts, notes
from tests.compiler.repo import run_cli, write_repo

from llmcompile.edit.draft import Draft
from llmcompile.edit.endpoints import Place, add_to_account, add_to_region
from llmcompile.edit.keys import add_key
from llmcompile.errors import RefusedError
from llmcompile.inputs.account import Account
from llmcompile.inputs.region import Region
from llmcompile.load.shape import validate
from llmcompile.load.source import Source
from llmcompile.pipeline import compile_repository
from llmcompile.show.explain import snapshot_of

ACCOUNT, REGION = "accounts/acme.yaml", "regions/europe-west6.yaml"
HASH = "0123456789abcdef" * 4
NEW: dict[str, Any] = {"provider": "azure", "base_url": "https://new.azure.example/", "api_key": "ref+env://NEW"}
NAMES = ["one", "two", "three"]


def draft_of(text: str, file: str, kind: Any) -> tuple[Draft, Any]:
    data = data_of(text)
    held, problems = validate(kind, file, data)
    assert held, problems
    return Draft(Source(file, text), data, kind), held


def same(one: Any, other: Any) -> bool:
    """Order counts: that of endpoints is their priority."""
    return repr(one) == repr(other)


def inserted(mapping: dict[str, Any], name: str, value: Any, at: Place) -> dict[str, Any]:
    """Independently of the code under test: the mapping with one more entry at its place."""
    pairs = list(mapping.items())
    names = list(mapping)
    index = 0 if at.first else names.index(at.after) + 1 if at.after else len(pairs)
    return dict([*pairs[:index], (name, value), *pairs[index:]])


@st.composite
def accounts(draw: st.DrawFn) -> dict[str, Any]:
    data: dict[str, Any] = {"account": "acme", "region": "europe-west6"}
    if draw(st.booleans()):
        data["description"] = draw(st.sampled_from(["Für alle: 漢字", "a # b", "plain words"]))
    if draw(st.booleans()):
        data["access"] = {"groups": ("general", "beta")}
    if draw(st.booleans()):
        keys = [{"id": name, "sha256": HASH} for name in draw(st.sets(st.sampled_from(NAMES)))]
        data["keys"] = tuple(keys)
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    if names or draw(st.booleans()):
        data["endpoints"] = {name: draw(endpoints()) for name in names}
    if draw(st.booleans()):
        data["route_groups"] = {"assistant": {"members": ({"model": "gpt-4o"}, {"model": "gpt-4", "weight": 2})}}
    return data


@st.composite
def endpoints(draw: st.DrawFn) -> dict[str, Any]:
    data: dict[str, Any] = {"provider": "azure", "base_url": "https://a.azure.example/", "api_key": "ref+env://A"}
    data["supported_models"] = draw(st.sampled_from([("gpt-4o",), ("gpt-4o", "gpt-4"), {"gpt-4o": "llama3.2:3b"}]))
    return data | ({"timeout_seconds": 30, "tags": ("eu", "us")} if draw(st.booleans()) else {})


places = st.sampled_from([Place(), Place(first=True), Place(after="one"), Place(after="two"), Place(after="three")])


@pytest.mark.usefixtures("unmeasured")
@MANY
@given(data=st.data())
def test_an_endpoint_in_any_layout_of_an_account(data: st.DataObject) -> None:
    before = data.draw(accounts())
    text, at = data.draw(layouts(before)), data.draw(places)
    held = before.get("endpoints", {})
    at = at if at.after in (None, *held) else Place()
    draft, account = draft_of(text, ACCOUNT, Account)
    after = add_to_account(draft, account.endpoints, "new", NEW, {"gpt-4o": None, "gpt-4": None}, at).text
    added = NEW | {"supported_models": ("gpt-4o", "gpt-4")}
    assert same(data_of(after)["endpoints"], inserted(held, "new", added, at))
    others = [key for key in before if key != "endpoints"]
    assert [key for key in data_of(after) if key != "endpoints"] == others
    assert all(same(data_of(after)[key], before[key]) for key in others)
    assert sorted(notes(after)) == sorted(notes(text))
    if held or "endpoints" not in before:
        assert_only_added(text, after)


@pytest.mark.usefixtures("unmeasured")
@MANY
@given(data=st.data())
def test_a_key_in_any_layout_of_an_account(data: st.DataObject) -> None:
    before = data.draw(accounts())
    text = data.draw(layouts(before))
    draft, account = draft_of(text, ACCOUNT, Account)
    after = add_key(draft, account, "new", HASH, None, "pro").text
    added = {"id": "new", "tier": "pro", "sha256": HASH}
    assert same(data_of(after)["keys"], (*before.get("keys", ()), added))
    others = [key for key in before if key != "keys"]
    assert all(same(data_of(after)[key], before[key]) for key in others)
    assert sorted(notes(after)) == sorted(notes(text))
    if before.get("keys") or "keys" not in before:
        assert_only_added(text, after)


@st.composite
def regions(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    data: dict[str, Any] = {"region": "europe-west6"}
    if names or draw(st.booleans()):
        data["endpoints"] = {name: {"provider": "openai", "api_key": "ref+env://A"} for name in names}
    lists = {model: draw(st.permutations(names)) for model in draw(st.sets(st.sampled_from(["gpt-4o", "gpt-4"])))}
    if lists or draw(st.booleans()):
        data["models"] = {model: tuple(each) for model, each in sorted(lists.items())}
    return data


@MANY
@given(data=st.data())
def test_an_endpoint_in_any_layout_of_a_region(data: st.DataObject) -> None:
    before = data.draw(regions())
    text, at = data.draw(layouts(before)), data.draw(places)
    held, lists = before.get("endpoints", {}), before.get("models", {})
    at = at if at.after in (None, *held) else Place()
    draft, region = draft_of(text, REGION, Region)
    after = add_to_region(draft, region.endpoints, "new", NEW, {"gpt-4o": "x", "rank": None}, at).text
    assert same(data_of(after)["endpoints"], inserted(held, "new", NEW | {"models": {"gpt-4o": "x"}}, at))
    expected = dict(lists)
    listed = list(lists.get("gpt-4o", ()))
    follows = listed.index(at.after) + 1 if at.after in listed else len(listed)
    listed.insert(0 if at.first else follows, "new")
    assert same(data_of(after)["models"], expected | {"gpt-4o": tuple(listed), "rank": ("new",)})
    assert sorted(notes(after)) == sorted(notes(text))


def test_every_account_and_region_of_the_example_and_the_golden_cases() -> None:
    done = 0
    for _, source, data in corpus("accounts"):
        account, problems = validate(Account, source.file, data)
        if account is None or problems:
            continue
        draft = Draft(source, data, Account)
        after = add_to_account(draft, account.endpoints, "new", NEW, {"gpt-4o": None}, Place(first=True)).text
        assert_only_added(source.text, after)
        new = NEW | {"supported_models": ("gpt-4o",)}
        assert same(data_of(after)["endpoints"], {"new": new, **data.get("endpoints", {})})
        after = add_key(draft, account, "new", HASH, None, None).text
        assert_only_added(source.text, after)
        assert same(data_of(after)["keys"], (*data.get("keys", ()), {"id": "new", "sha256": HASH}))
        done += 1
    for _, source, data in corpus("regions"):
        region, problems = validate(Region, source.file, data)
        if region is None or problems:
            continue
        for code in data.get("models", {}):
            after = add_to_region(Draft(source, data, Region), region.endpoints, "new", NEW, {code: None}, Place()).text
            assert data_of(after)["models"][code] == (*data["models"][code], "new")
            done += 1
    assert done > 400


def test_a_list_behind_an_alias_is_refused_and_one_beside_it_is_not() -> None:
    shared = "region: europe-west6\nendpoints: {}\nmodels:\n  gpt-4o: &all [one]\n  gpt-4: *all\n"
    for code in ("gpt-4o", "gpt-4"):
        draft, region = draft_of(shared, REGION, Region)
        with pytest.raises(RefusedError, match=r"alias|layout"):
            add_to_region(draft, region.endpoints, "new", NEW, {code: None}, Place())
    draft, region = draft_of(shared.replace("*all", "[one]"), REGION, Region)
    assert add_to_region(draft, region.endpoints, "new", NEW, {"gpt-4o": None}, Place())


WRITTEN = {
    "keys stand before endpoints": (
        "account: acme\nregion: europe-west6\n# Endpoints\nendpoints: {}\n",
        "account: acme\nregion: europe-west6\nkeys:\n  - {id: new, sha256: HASH}\n# Endpoints\nendpoints: {}\n",
    ),
    "an empty list becomes a block and keeps its comment": (
        "account: acme\nregion: europe-west6\nkeys: []   # none yet\ntier: pro\n",
        "account: acme\nregion: europe-west6\nkeys:   # none yet\n  - {id: new, sha256: HASH}\ntier: pro\n",
    ),
    "as the others: dashes at the margin, quotes, blocks": (
        "account: acme\nregion: europe-west6\nkeys:\n- id: 'a'\n  sha256: \"HASH\"  # a's\n\ntier: pro\n",
        "account: acme\nregion: europe-west6\nkeys:\n- id: 'a'\n  sha256: \"HASH\"  # a's\n- id: 'new'\n"
        '  sha256: "HASH"\n\ntier: pro\n',
    ),
    "JSON": (
        '{\n  "account": "acme", "region": "europe-west6",\n  "keys": [\n    {"id": "a", "sha256": "HASH"}\n  ]\n}\n',
        '{\n  "account": "acme", "region": "europe-west6",\n  "keys": [\n    {"id": "a", "sha256": "HASH"},\n'
        '    {"id": "new", "sha256": "HASH"}\n  ]\n}\n',
    ),
    "a comment behind the last of several lines stays with it": (
        "account: acme\nregion: europe-west6\nkeys: [\n  {id: a, sha256: HASH}, # a's\n]\n",
        "account: acme\nregion: europe-west6\nkeys: [\n  {id: a, sha256: HASH}, # a's\n  {id: new, sha256: HASH},\n]\n",
    ),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_key_is_written_like_the_ones_beside_it(name: str) -> None:
    before, after = (each.replace("HASH", HASH) for each in WRITTEN[name])
    assert add_key(*draft_of(before, ACCOUNT, Account), "new", HASH, None, None).text == after


# The command line.


def run(root: Path, *arguments: str) -> Any:
    return run_cli(*arguments, "--as-of", "2026-01-15", cwd=root)


def test_a_model_an_account_and_an_endpoint_from_nothing_to_a_fleet_that_passes(tmp_path: Path) -> None:
    root = copy_example(tmp_path)
    prices = ("--start", "2026-01-01", "--currency", "USD", "--text-input", "1.250", "--text-output", "10")
    done = run(root, "model", "add", "gpt-5", "--type", "chat", "--name", "GPT-5: new", "--group", "beta", *prices)
    assert (done.returncode, done.stdout) == (0, "written: models/gpt-5.yaml\n")
    assert (root / "models/gpt-5.yaml").read_text(encoding="utf-8") == (
        "# yaml-language-server: $schema=../schemas/model.schema.json\n"
        'code: gpt-5\nname: "GPT-5: new"\ntype: chat\naccess_groups: [beta]\n'
        "token_costs:\n  - start: 2026-01-01\n    currency: USD\n"
        "    per_million_tokens: {text_input: 1.250, text_output: 10}\n"
    )
    done = run(root, "account", "add", "wayne", "--region", "us-east4", "--source", "tenant", "--group", "general")
    assert done.returncode == 1
    assert "source tenant without an endpoint" in done.stderr
    oauth = (
        "--oauth-token-url",
        "https://login.example/token",
        "--oauth-client-id",
        "3f2b",
        "--oauth-scope",
        "a/.default",
    )
    azure = ("--provider", "azure", "--version", "2024-10-21", "--base-url", "https://wayne.azure.example/")
    asked = (*azure, *oauth, "--oauth-client-secret", "ref+env://WAYNE", "--models", "gpt-4o,gpt-4o-mini")
    done = run(root, "endpoint", "add", "wayne", "default", *asked, "--deployment-prefix", "prod-")
    assert (done.returncode, done.stdout) == (0, "changed: accounts/wayne.yaml\n"), done.stderr
    written = (root / "accounts/wayne.yaml").read_text(encoding="utf-8")
    assert written.partition("\n")[2] == (
        "account: wayne\nregion: us-east4\nsource: tenant\naccess: {groups: [general]}\n"
        "endpoints:\n  default:\n    provider: azure\n"
        '    version: "2024-10-21"\n    base_url: https://wayne.azure.example/\n    deployment_prefix: prod-\n'
        "    supported_models: [gpt-4o, gpt-4o-mini]\n    oauth:\n      token_url: https://login.example/token\n"
        "      client_id: 3f2b\n      client_secret: ref+env://WAYNE\n      scopes: [a/.default]\n"
    )
    done = run(root, "account", "add", "kent", "--region", "us-east4", "--region", "europe-west6", "--tier", "pro")
    assert done.returncode == 0, done.stderr


def test_what_dates_and_places_something(tmp_path: Path) -> None:
    root = write_repo(tmp_path)
    assert run(root, "model", "add", "gpt-5", "--type", "chat", "--retires", "2027-01-01").returncode == 0
    assert "type: chat\nretires: 2027-01-01\n" in (root / "models/gpt-5.yaml").read_text(encoding="utf-8")
    placed = ("--geo", "eu", "--location", "swedencentral", "--expires", "2026-12-31T12:00:00Z")
    assert run(root, "account", "add", "kent", "--region", "europe-west6", "--source", "tenant").returncode == 1
    assert run(root, "endpoint", "add", "kent", "new", *KEYED, *placed).returncode == 0
    written = (root / "accounts/kent.yaml").read_text(encoding="utf-8")
    assert "    expires: 2026-12-31T12:00:00Z\n    geo: eu\n    location: swedencentral\n" in written
    asked = ("--region", "europe-west6", "--source", "tenant", "--residency", "eu", "--residency", "ch", "--dry-run")
    assert "+residency: [eu, ch]" in run(root, "account", "add", "wayne", *asked).stdout


def test_an_endpoint_of_a_region_is_tried_where_it_was_put(tmp_path: Path) -> None:
    root = copy_example(tmp_path)
    old = (root / REGION).read_text(encoding="utf-8")
    asked = ("--provider", "azure", "--base-url", "https://norwayeast.azure.example/", "--credential", "azure-shared")
    models = ("--models", "gpt-4o=gpt-4o-2024-11-20,gpt-4.1", "--after", "switzerlandnorth", "--geo", "eu")
    done = run(root, "endpoint", "add", "region/europe-west6", "norwayeast", *asked, *models)
    assert (done.returncode, done.stdout) == (0, f"changed: {REGION}\n"), done.stderr
    new = (root / REGION).read_text(encoding="utf-8")
    assert "  gpt-4o: [switzerlandnorth, norwayeast, swedencentral]\n" in new
    assert "  gpt-4.1: [swedencentral, norwayeast]\n" in new
    assert "    models: {gpt-4o: gpt-4o-2024-11-20}\n" in new
    assert set(old.splitlines()) - set(new.splitlines()) == {
        "  gpt-4o: [switzerlandnorth, swedencentral]",
        "  gpt-4.1: [swedencentral]",
    }
    snapshot = snapshot_of(compile_repository(root, AS_OF).documents, "globex", "europe-west6")
    assert [each.name for each in snapshot.endpoints] == ["switzerlandnorth", "norwayeast", "swedencentral"]


AZURE = ("--provider", "azure", "--base-url", "https://new.azure.example/", "--models", "gpt-4o")
KEYED = (*AZURE, "--api-key", "ref+env://NEW")
LITERAL = "sk-" + "a1B2" * 10
REFUSED: list[tuple[list[str], int, str]] = [
    (["model", "add", "gpt-4o", "--type", "chat"], 4, "models/gpt-4o.yaml exists; nothing was written"),
    (["model", "add", "../gpt", "--type", "chat"], 2, "the model code"),
    (["model", "add", "gpt-5", "--type", "chta"], 2, "did you mean 'chat'?"),
    (["model", "add", "gpt-5", "--type", "chat", "--text-input", "1"], 2, "give all of them, or none"),
    (["model", "add", "gpt-5", "--type", "chat", "--currency", "usd", "--start", "2026-01-01", "--text-input", "1"], 2,
     "write 'USD'"),
    (["model", "add", "gpt-5", "--type", "chat", "--name", "${X}"], 2, "not interpolated"),
    (["account", "add", "acme", "--region", "europe-west6"], 4, "accounts/acme.yaml exists; nothing was written"),
    (["account", "add", "Wayne", "--region", "europe-west6"], 2, "write 'wayne'"),
    (["account", "add", "wayne", "--region", "europe-west"], 2, "did you mean 'europe-west6'?"),
    (["account", "add", "wayne", "--region", "europe-west6", "--source", "platfrom"], 2, "did you mean 'platform'?"),
    (["endpoint", "add", "acmee", "new", *KEYED], 2, "did you mean 'acme'?"),
    (["endpoint", "add", "region/europe-west", "new", *KEYED], 2, "did you mean 'europe-west6'?"),
    (["endpoint", "add", "team/acme", "new", *KEYED], 2, "write ACCOUNT or region/REGION"),
    (["endpoint", "add", "region/europe-west6", "primary", *KEYED], 2, "there is an endpoint 'primary' already"),
    (["endpoint", "add", "region/europe-west6", "new", *KEYED, "--after", "primray"], 2, "did you mean 'primary'?"),
    (["endpoint", "add", "acme", "new", *KEYED, "--after", "x", "--first"], 2, "exclude each other"),
    (["endpoint", "add", "acme", "new", *KEYED, "--models", "gpt-4p"], 2, "did you mean 'gpt-4o'?"),
    (["endpoint", "add", "acme", "new", *KEYED, "--models", "gpt-4o"], 2, "'gpt-4o' is given twice"),
    (["endpoint", "add", "acme", "new", *KEYED, "--credential", "shared"], 2, "one way to authenticate"),
    (["endpoint", "add", "acme", "new", *KEYED, "--weight", "0"], 2, "at least 1"),
    (["endpoint", "add", "acme", "New", *KEYED], 2, "write 'new'"),
    (["endpoint", "add", "region/europe-west6", "new", *KEYED, "--deployment-prefix", "x-"], 2, "deployment_prefix"),
    (["endpoint", "add", "acme", "new", *AZURE, "--oauth-client-id", "x"], 2, "'token_url' is missing"),
    (["endpoint", "add", "acme", "new", *AZURE, "--api-key", LITERAL], 2, "a secret is written out"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "code", "says"), REFUSED, ids=[" ".join(each[0][:4]) + each[2] for each in REFUSED]
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    tmp_path: Path, arguments: list[str], code: int, says: str
) -> None:
    root = write_repo(tmp_path)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    done = run(root, *arguments)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert says in done.stderr
    assert LITERAL not in done.stderr
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


def test_control_the_same_commands_with_what_is_right(tmp_path: Path) -> None:
    root = write_repo(tmp_path)
    assert run(root, "model", "add", "gpt-5", "--type", "chat").returncode == 0
    assert run(root, "account", "add", "wayne", "--region", "europe-west6", "--source", "platform").returncode == 0
    assert run(root, "endpoint", "add", "wayne", "new", *KEYED).returncode == 0
    assert run(root, "endpoint", "add", "region/europe-west6", "new", *KEYED, "--after", "primary").returncode == 0


def test_a_dry_run_shows_a_new_file_and_writes_none(tmp_path: Path) -> None:
    root = write_repo(tmp_path)
    done = run(root, "model", "add", "gpt-5", "--type", "chat", "--dry-run")
    assert done.returncode == 0
    assert done.stdout.startswith("--- /dev/null\n+++ b/models/gpt-5.yaml\n")
    assert not (root / "models/gpt-5.yaml").exists()
