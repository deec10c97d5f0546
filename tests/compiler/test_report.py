"""The report's command and data: what is refused, what is in the page and what is not, and the same bytes each time."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.compiler.example import AS_OF, ROOT, copy_example
from tests.compiler.repo import FILES, run_cli, write_documents, write_repo

from llmcompile.emit.canonical import money
from llmcompile.errors import RefusedError, UsageError
from llmcompile.pipeline import Compiled, compile_repository
from llmcompile.prove import survival
from llmcompile.prove.fleet import survey
from llmcompile.report import links, plot
from llmcompile.report.collect import collect
from llmcompile.report.data import Page, Spot
from llmcompile.report.render import render
from llmcompile.report.write import write

NOW = "2026-01-15"


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    return compile_repository(ROOT, AS_OF)


@pytest.fixture(scope="module")
def page(compiled: Compiled) -> Page:
    return collect(compiled, ROOT, AS_OF)


def island(text: str) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text)
    assert found
    return json.loads(found[1])


def contents(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir()}


# --- the command -----------------------------------------------------------------------------------------------------


def test_one_page_and_its_manifest_with_the_same_bytes_each_time(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "repo")
    for as_of in ("2026-01-16", NOW):  # the second replaces the first
        result = run_cli("report", "--out", "report", "--as-of", as_of, cwd=root)
        assert result.returncode == 0, result.stderr
        assert f"LLM fleet as of {as_of}<" in (root / "report" / "index.html").read_text(encoding="utf-8")
    first = contents(root / "report")
    assert set(first) == {"index.html", "manifest.json"}
    digest = f"sha256:{hashlib.sha256(first['index.html']).hexdigest()}"
    size = len(first["index.html"])
    assert result.stdout == f"{size:,} bytes in report/index.html\n"
    assert json.loads(first["manifest.json"])["pages"] == [{"path": "index.html", "digest": digest, "size": size}]
    other = copy_example(tmp_path / "elsewhere")
    run_cli("report", "--out", "report", "--as-of", NOW, cwd=other, PYTHONHASHSEED="7", TZ="Asia/Tokyo")
    assert contents(other / "report") == first


def test_yaml_with_errors_has_no_report(tmp_path: Path) -> None:
    root = write_repo(tmp_path, {"accounts/acme.yaml": FILES["accounts/acme.yaml"].replace("pro\n", "por\n")})
    result = run_cli("report", "--out", "report", cwd=root)
    assert (result.returncode, result.stdout) == (1, "")
    assert "error[tier-unknown]" in result.stderr
    assert not (root / "report").exists()


def test_nothing_of_anybody_elses_is_replaced(tmp_path: Path) -> None:
    root = write_repo(tmp_path)
    documents = compile_repository(root, AS_OF).documents
    write_documents(root / "dist", documents)
    before = contents(root / "dist" / "accounts" / "acme")
    for out in (root, root / "accounts", root / "dist"):
        with pytest.raises(RefusedError, match=r"holds no manifest\.json of pages"):
            write(out, "a page")
    assert contents(root / "dist" / "accounts" / "acme") == before
    assert write(root / "report", "a page") == len("a page")  # the control
    with pytest.raises(RefusedError, match=r"holds no manifest\.json of documents"):
        write_documents(root / "report", documents)
    result = run_cli("report", "--out", "accounts", cwd=root)
    assert (result.returncode, result.stdout) == (4, "")


# --- what is in it ---------------------------------------------------------------------------------------------------


def test_no_hash_of_a_key_is_in_the_page(compiled: Compiled, page: Page) -> None:
    text = render(page, "")
    hashes = [key.sha256 for each in compiled.linked.accounts.values() for key in each.input.keys]
    assert hashes
    assert not any(each[:12] in text for each in hashes)
    assert "ref+env://EXAMPLE_AZURE_SHARED_KEY" in text  # refs are no secrets


def test_everything_is_inside_and_the_policy_allows_just_that(page: Page) -> None:
    text = render(page, "")
    assert "default-src &#39;none&#39;" in text
    assert not re.search(r"""(src|href)=["'](?!#)""", re.sub(r"<script>.*</script>", "", text, flags=re.DOTALL))
    for part in re.findall(r"unsafe-|https?://[^ <\"]*", text.split("</head>")[0]):
        pytest.fail(part)
    assert " style=" not in text


def test_the_state_of_every_cell_is_that_of_the_proof(compiled: Compiled, page: Page) -> None:
    fleet = survey(compiled.linked, AS_OF, compiled.documents)
    proven = {(each.seat.account.id, each.seat.region.input.region, each.name): each for each in survival.stands(fleet)}
    shown = {
        (account.id, seat.region, name): answer
        for account in page.accounts
        for seat in account.seats
        for name, answer in seat.answers.items()
    }
    assert {key for key, answer in shown.items() if answer.state != "unserved"} == set(proven)
    for key, stand in proven.items():
        assert (shown[key].state == "falls") == (len(stand.stranding) == 1)
        assert (shown[key].state == "fallback") == stand.by_fallback
    assert page.standing == {
        state: sum(each.state == state for each in shown.values())
        for state in ("survives", "fallback", "falls", "unserved")
    }


def test_the_island_holds_what_the_page_holds(page: Page) -> None:
    data = island(render(page, ""))
    names, answers = data["names"], data["answers"]
    decoded = {
        (account["id"], region, names[row[at]]): answers[row[at + 1]]
        for account in data["accounts"]
        for region, _, _, which in account["seats"]
        for row in [data["rows"][which]]
        for at in range(0, len(row), 2)
    }
    assert decoded == {
        (account.id, seat.region, name): [
            answer.state, answer.strands, [number for model, at in answer.hops for number in (names.index(model), at)]
        ]
        for account in page.accounts for seat in account.seats for name, answer in seat.answers.items()
    }  # fmt: skip
    callers = {
        (account["id"], kind, name): [names[each] for each in data["allowed"][which]]
        for account in data["accounts"]
        for kind, name, _, which in account["callers"]
    }
    assert callers["globex", "key", "support-bot"] == ["gpt-4o", "gpt-4o-mini", "text-embedding-3-large"]
    assert callers["globex", "team", "research"] == callers["globex", "account", "globex"]


def test_every_line_is_the_one_that_says_it(page: Page) -> None:
    def line(spot: Spot) -> str:
        return (ROOT / spot.file).read_text(encoding="utf-8").splitlines()[spot.line - 1]

    for account in page.accounts:
        assert line(account.spot) == f"account: {account.id}"
        for caller in account.callers[1:]:
            assert caller.name in line(caller.spot)
        for seat in account.seats:
            assert seat.region in line(seat.spot)
    for owner in (*page.regions, *page.accounts):
        for endpoint in owner.endpoints:
            assert endpoint.label.split(":")[1] in line(endpoint.spot)
            for code, number in endpoint.served.items():
                assert code in line(Spot(endpoint.spot.file, number))
    for model in page.models:
        for row in model.rows:
            assert f"{row.start:%Y-%m-%d}" in line(row.spot)


# --- prices ----------------------------------------------------------------------------------------------------------


def test_the_plot_shows_each_price_while_it_holds(page: Page) -> None:
    axis = plot.axis(page)
    (model,) = (each for each in page.models if each.code == "gpt-4o")
    text_input, cached, _ = plot.plots(model, axis, AS_OF)
    assert [each.label for each in text_input.lines] == ["5", "2.5"]
    old, new = text_input.lines
    assert (old.left, old.right) == (axis.at(datetime(2024, 5, 13, tzinfo=UTC)), new.left)
    assert new.right == 100
    assert text_input.drops == ((new.left, old.y, new.y),)
    assert plot.ZERO - old.y == pytest.approx(2 * (plot.ZERO - new.y), abs=0.2)  # half the price, half as high
    assert text_input.now == "2.5"
    assert (cached.lines[0].left, cached.drops) == (new.left, ())
    assert old.title == "text_input USD 5 from 2024-05-13 until 2024-10-01"


def test_the_price_that_holds_is_marked_at_every_instant(compiled: Compiled) -> None:
    changed = datetime(2026, 1, 1, tzinfo=UTC)
    for moment, price in ((changed.replace(year=2025, month=6), "2"), (changed, "1.8")):
        page = collect(compiled, ROOT, moment)
        (model,) = (each for each in page.models if each.code == "gpt-4.1")
        assert [money(each.prices["text_input"]) for each in model.rows if each.holds] == [price]
        assert plot.plots(model, plot.axis(page), moment)[0].now == price


def test_the_axis_holds_every_instant_in_order(page: Page) -> None:
    axis = plot.axis(page)
    moments = sorted(row.start for model in page.models for row in model.rows)
    places = [axis.at(each) for each in moments]
    assert places == sorted(places)
    assert places[0] > 0
    assert places[-1] < 100
    assert [word for _, word in axis.ticks()] == ["2024", "2025", "2026", "2027"]


# --- links -----------------------------------------------------------------------------------------------------------


def test_links_lead_where_they_are_told_to() -> None:
    base = links.checked("https://git.example.com/x/blob/main/{path}#L{line}")
    assert links.href(base, Spot("accounts/acme.yaml", 7)) == (
        "https://git.example.com/x/blob/main/accounts/acme.yaml#L7"
    )
    assert links.href(base, Spot("a b/c?.yaml", 1)).endswith("/a%20b/c%3F.yaml#L1")


@pytest.mark.parametrize(
    "base",
    ["javascript:alert(1)//{path}", "https://git.example.com/x", "//x/{path}", "data:,{path}", "https:///{path}"],
)
def test_a_link_that_is_no_web_address_is_refused(base: str) -> None:
    with pytest.raises(UsageError, match="--link-base"):
        links.checked(base)


def test_without_one_they_lead_to_the_files_beside_or_nowhere(tmp_path: Path) -> None:
    root = write_repo(tmp_path / "repo")
    assert links.beside(root, root / "build" / "report") == "../../{path}"
    assert links.beside(root, tmp_path / "elsewhere") == ""
    run_cli("report", "--root", str(root), "--out", str(tmp_path / "elsewhere"), cwd=tmp_path)
    text = (tmp_path / "elsewhere" / "index.html").read_text(encoding="utf-8")
    assert str(tmp_path) not in text
    assert "<code>models/gpt-4o.yaml:1</code>" in text
