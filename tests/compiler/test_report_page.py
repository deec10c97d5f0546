"""The report in a real Chromium: search, keys, both themes, a phone; nothing leaves the page and nothing complains."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from playwright.sync_api import Page as Window
from tests.compiler.browser import PATIENCE, Seen, chromium, contrast, contrasts, opened
from tests.compiler.example import AS_OF, ROOT
from tests.compiler.repo import FILES, write_repo

from llmcompile.link.catalogue import Catalogue
from llmcompile.pipeline import Compiled, compile_repository
from llmcompile.report.collect import collect
from llmcompile.report.data import Page
from llmcompile.report.render import render
from llmcompile.show.explain import Question, explain, snapshot_of

VIEWS = ("overview", "fleet", "chains", "prices", "access", "sizes", "calendar")
IMAGE = "http://127.0.0.1:1/x.png"
LINKS = "https://git.example.com/team/config/blob/main/{path}#L{line}"
pytestmark = pytest.mark.skipif(not Path("/usr/bin/chromium").exists(), reason="no /usr/bin/chromium")
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    return compile_repository(ROOT, AS_OF)


@pytest.fixture(scope="module")
def data(compiled: Compiled) -> Page:
    return collect(compiled, ROOT, AS_OF)


@pytest.fixture(scope="module")
def address(data: Page, tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(tmp_path_factory.mktemp("report"), render(data, LINKS))


@pytest.fixture
def seen(browser: Browser, address: str) -> Iterator[Seen]:
    """The page at its first view; whatever a test does, nothing is loaded and nothing complains."""
    with opened(browser, address) as found:
        yield found
        assert found.requests == [address]
        assert found.complaints == []


def written(folder: Path, text: str) -> str:
    file = folder / "index.html"
    file.write_text(text, encoding="utf-8")
    return file.as_uri()


def go(window: Window, view: str) -> None:
    window.get_by_role("navigation").get_by_role("link", name=re.compile(f"^{view}", re.I)).click()
    expect(window.get_by_role("heading", level=2, name=view.capitalize(), exact=True)).to_be_visible()


def rows(window: Window) -> int:
    return window.locator("[role=grid] tbody tr").count()


# --- nothing leaves the page, nothing complains ----------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_view_is_drawn_from_the_file_alone(browser: Browser, address: str, theme: str) -> None:
    with opened(browser, address, theme=theme) as seen:
        for view in VIEWS:
            go(seen.page, view)
        for search in ("gpt", "hooli", "nothing of this kind", ""):
            seen.page.get_by_role("searchbox").fill(search)
        assert seen.requests == [address]
        assert seen.complaints == []


def test_a_page_that_loads_something_would_be_seen(browser: Browser, data: Page, tmp_path: Path) -> None:
    """The control: what the test above looks for is there where a page is less strict, and stopped where it is not."""
    text, image = render(data, LINKS), f'<img src="{IMAGE}" alt=""></main>'
    strict = written(tmp_path, text.replace("</main>", image + "<script>window.hacked = 1</script>"))
    with opened(browser, strict) as seen:
        assert seen.failures == {IMAGE: "csp"}
        assert sum("Content Security Policy" in each for each in seen.complaints) == 2
        assert seen.page.evaluate("window.hacked") is None
    lax = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    with opened(browser, written(tmp_path, lax.replace("</main>", image))) as seen:
        assert IMAGE in seen.requests
        assert seen.failures[IMAGE].startswith("net::")


HOSTILE = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>\u2028&amp;\"'{{ 7 * 7 }}"


def test_what_people_wrote_is_text(browser: Browser, data: Page, tmp_path: Path) -> None:
    models = tuple(replace(each, name=HOSTILE, type=HOSTILE) for each in data.models)
    problems = (replace(data.problems[0], message=HOSTILE, hint=HOSTILE, code=HOSTILE),)
    events = tuple(replace(each, what=HOSTILE) for each in data.events)
    claims = tuple(replace(each, says=HOSTILE, details=(HOSTILE,)) for each in data.claims)
    endpoints = [tuple(replace(one, host=HOSTILE, geo=HOSTILE) for one in each.endpoints) for each in data.regions]
    regions = tuple(replace(each, endpoints=held) for each, held in zip(data.regions, endpoints, strict=True))
    spot = replace(data.accounts[0].spot, file=HOSTILE)
    accounts = tuple(replace(each, id=HOSTILE, tier=HOSTILE, spot=spot) for each in data.accounts)
    page = replace(
        data, models=models, problems=problems, events=events, claims=claims, regions=regions, accounts=accounts
    )
    with opened(browser, written(tmp_path, render(page, LINKS))) as seen:
        for view in VIEWS:
            go(seen.page, view)
        assert seen.page.evaluate("window.hacked") is None
        assert seen.complaints == []
        assert len(seen.requests) == 1
        go(seen.page, "fleet")
        expect(seen.page.get_by_role("rowheader").first).to_contain_text("<script>window.hacked = 1</script>")


def test_a_fleet_that_may_call_nothing_is_drawn_too(browser: Browser, tmp_path: Path) -> None:
    changes: dict[str, str | None] = {
        "llmcompile.yaml": FILES["llmcompile.yaml"] + "access_groups: {later: {}}\n",
        "models/free.yaml": "code: free\ntype: chat\n",
        "accounts/acme.yaml": FILES["accounts/acme.yaml"] + "access: {groups: [later]}\n",
    }
    root = write_repo(tmp_path / "repo", changes)
    address = written(tmp_path, render(collect(compile_repository(root, AS_OF), root, AS_OF), ""))
    with opened(browser, f"{address}#fleet?q=%") as seen:  # no address that the page writes
        expect(seen.page.get_by_text("Nothing matches.")).to_be_visible()
        seen.page.get_by_role("searchbox").fill("")
        for view in VIEWS:
            go(seen.page, view)
        go(seen.page, "overview")
        expect(seen.page.get_by_text("Nobody may call anything.")).to_be_visible()
        go(seen.page, "chains")
        expect(seen.page.get_by_text("There is none.")).to_be_visible()
        assert seen.complaints == []


# --- what is shown is what was compiled ------------------------------------------------------------------------------


def test_the_counts_are_those_of_the_yaml(seen: Seen, compiled: Compiled) -> None:
    held: Catalogue = compiled.linked
    folders = {each: len(list((ROOT / each).glob("*.yaml"))) for each in ("accounts", "models", "regions")}
    inside = {
        "endpoints": sum(len(each.input.endpoints) for each in held.owners),
        "keys": sum(len(each.input.keys) for each in held.accounts.values()),
        "documents": len(compiled.documents),
    }
    shown = {each.get_attribute("data-count"): each.inner_text() for each in seen.page.locator("[data-count]").all()}
    assert shown == {name: f"{count:,}" for name, count in (folders | inside).items()}


_CELLS = """() => [...document.querySelectorAll("[role=grid] tbody tr")].map((row) =>
  [...row.cells].map((cell) => [cell.innerText, cell.getAttribute("aria-label")]))"""


def test_every_cell_is_what_the_router_would_do(seen: Seen, compiled: Compiled) -> None:
    go(seen.page, "fleet")
    heads = seen.page.get_by_role("columnheader").all_inner_texts()
    cells = {tuple(re.split(r"[\n,]\s*", row[0][0])[:2]): row for row in seen.page.evaluate(_CELLS)}
    told = {"survives": 0, "left to a fallback": 0, "stranded": 0, "nothing": 0}
    for account in compiled.linked.accounts.values():
        policy = next(each for each in compiled.documents if (each.kind, each.owner) == ("ROUTER_POLICY", account.id))
        for region in account.input.all_regions:
            row = dict(zip(heads, cells[account.id, region], strict=True))
            snapshot = snapshot_of(compiled.documents, account.id, region)
            for code in compiled.linked.models:
                if code not in policy.content["allowed"]:
                    assert row[code] == ["·", "may not be called"]
                    continue
                chain = explain(snapshot, Question(account.id, region, code, AS_OF, ()))["chain"]
                words = row[code][1]
                told[next(each for each in told if each in words)] += 1
                assert chain[0]["source"] in words if chain else "nothing serves it" in words
                if found := re.search(r"one outage: endpoint (\S+),", words):
                    down = Question(account.id, region, code, AS_OF, (found[1],))
                    assert explain(snapshot, down)["chain"] == []
    assert all(told.values()), told


_CHAINS = """() => [...document.querySelectorAll("#chains .group")].flatMap((group) =>
  [...group.querySelectorAll("tbody tr")].map((row) => [group.querySelector("h3").innerText, row.cells[0].innerText,
    [...row.querySelectorAll("li")].map((each) =>
      [each.querySelector("b").innerText, each.querySelector("a").href])]))"""


def test_every_chain_is_the_routers_and_leads_to_its_lines(seen: Seen, compiled: Compiled) -> None:
    go(seen.page, "chains")
    shown: list[Any] = seen.page.evaluate(_CHAINS)
    assert len(shown) > 20
    for title, name, hops in shown:
        found = re.fullmatch(r"(\S+) in (\S+), source \S+", title)
        assert found
        snapshot = snapshot_of(compiled.documents, found[1], found[2])
        chain = explain(snapshot, Question(found[1], found[2], name, AS_OF, ()))["chain"]
        assert [label for label, _ in hops] == [f"{each['source']}:{each['endpoint']}" for each in chain]
        for (_, link), step in zip(hops, chain, strict=True):
            at = re.fullmatch(r"https://git\.example\.com/team/config/blob/main/([\w./-]+)#L(\d+)", link)
            assert at
            line = (ROOT / at[1]).read_text(encoding="utf-8").splitlines()[int(at[2]) - 1]
            assert step["model"] in line


# --- search ----------------------------------------------------------------------------------------------------------


def test_search_narrows_rows_by_account_and_columns_by_model(seen: Seen) -> None:
    window, box = seen.page, seen.page.get_by_role("searchbox")
    go(window, "fleet")
    every = rows(window)
    box.fill("hooli")
    expect(window.get_by_role("status")).to_have_text("2 matches in fleet")
    assert rows(window) == 2 < every
    box.fill("hooli whisper")
    expect(window.get_by_role("columnheader")).to_have_text(["account", "whisper-large-v3-turbo", "route groups"])
    assert rows(window) == 2
    box.fill("no such thing")
    expect(window.get_by_role("status")).to_have_text("0 matches in fleet")
    assert rows(window) == 0
    box.press("Escape")
    assert (box.input_value(), rows(window)) == ("", every)


def test_search_goes_along_to_every_view_and_says_how_much_each_has(seen: Seen) -> None:
    window = seen.page
    window.get_by_role("searchbox").fill("whisper")
    hits = {each: window.locator(f"[data-view={each}] .hits").inner_text() for each in VIEWS}
    assert hits["prices"] == "1"
    assert (hits["sizes"], int(hits["chains"])) == ("0", 2)
    go(window, "prices")
    expect(window.locator("#prices article:visible")).to_have_count(1)
    go(window, "chains")
    expect(window.locator("#chains tbody tr")).to_have_count(2)
    assert window.url.endswith("#chains?q=whisper")
    window.reload()
    expect(window.get_by_role("searchbox")).to_have_value("whisper")
    expect(window.locator("#chains tbody tr")).to_have_count(2)
    seen.requests.pop()  # the reload is the file once more


def test_the_overview_leads_to_what_it_counts(seen: Seen, data: Page) -> None:
    for state, count in data.standing.items():
        go(seen.page, "overview")
        seen.page.locator(f"li:has([data-standing={state}]) a").click()
        expect(seen.page.get_by_role("heading", level=2, name="Chains")).to_be_visible()
        expect(seen.page.locator("#chains tbody tr")).to_have_count(count)
        seen.page.get_by_role("searchbox").fill("")
    for outage, count in data.weakest[:5]:
        go(seen.page, "overview")
        seen.page.get_by_role("link", name=outage, exact=True).click()
        expect(seen.page.locator("#chains tbody tr")).to_have_count(count)
        seen.page.get_by_role("searchbox").fill("")


# --- by keys alone ---------------------------------------------------------------------------------------------------

_FOCUSED = "() => [document.activeElement.parentElement.rowIndex, document.activeElement.cellIndex]"


def test_the_matrix_is_walked_by_arrow_keys(seen: Seen) -> None:
    window = seen.page
    go(window, "fleet")
    grid = window.get_by_role("grid")
    last = (rows(window), grid.get_by_role("columnheader").count() - 1)
    window.get_by_role("rowheader").first.focus()
    for keys, at in (
        ("ArrowRight ArrowDown", (2, 1)), ("End", (2, last[1])), ("ArrowRight", (2, last[1])), ("Home", (2, 0)),
        ("Control+End", last), ("ArrowDown", last), ("Control+Home", (1, 0)), ("ArrowUp ArrowLeft", (1, 0)),
        ("PageDown ArrowRight", (min(11, last[0]), 1)), ("PageUp", (1, 1)),
    ):  # fmt: skip
        for key in keys.split():
            window.keyboard.press(key)
        assert tuple(window.evaluate(_FOCUSED)) == at, keys
        expect(grid.locator("[tabindex='0']")).to_have_count(1)
    outline = window.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_everything_is_reached_without_a_mouse(seen: Seen) -> None:
    window = seen.page
    window.keyboard.press("Tab")
    expect(window.get_by_role("link", name="Skip to content")).to_be_focused()
    window.keyboard.press("/")
    expect(window.get_by_role("searchbox")).to_be_focused()
    window.keyboard.type("a/c")
    assert window.get_by_role("searchbox").input_value() == "a/c"  # a slash inside of it is a slash
    window.keyboard.press("Escape")
    for _ in range(3):  # the theme, the overview, the fleet
        window.keyboard.press("Tab")
    window.keyboard.press("Enter")
    window.get_by_role("rowheader").first.focus()
    window.keyboard.press("ArrowRight")
    window.keyboard.press("Enter")
    dialog = window.get_by_role("dialog", name=re.compile("^gpt-4.1 for acme in europe-west6"))
    expect(dialog.get_by_role("link", name="regions/europe-west6.yaml:17").first).to_be_visible()
    window.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert tuple(window.evaluate(_FOCUSED)) == (1, 1)


_NAMELESS = """() => [...document.querySelectorAll("a, button, input, meter, svg[role], table[role], dialog")]
  .filter((each) => !(each.textContent.trim() || each.labels?.length ||
    each.getAttribute("aria-label") || each.getAttribute("aria-labelledby")))
  .map((each) => each.outerHTML.slice(0, 100))"""


def test_roles_and_names(seen: Seen) -> None:
    window = seen.page
    assert 'link "Fleet"' in window.get_by_role("navigation", name="Views").aria_snapshot()
    for view in VIEWS:
        go(window, view)
        assert window.evaluate(_NAMELESS) == [], view
        assert window.locator("nav [aria-current=page]").inner_text().lower() == view
        expect(window.locator("main > section:visible")).to_have_count(1)
    go(window, "fleet")
    snapshot = window.get_by_role("grid", name="Accounts by models").aria_snapshot()
    for part in ('columnheader "gpt-4o"', 'rowheader "acme europe-west6, auto"', 'gridcell "may not be called"'):
        assert part in snapshot
    assert window.get_by_role("grid").get_attribute("aria-rowcount") == str(rows(window) + 1)


def test_a_place_is_copied_by_its_button(seen: Seen) -> None:
    seen.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    go(seen.page, "prices")
    seen.page.get_by_role("button", name="Copy models/gpt-4o.yaml:2", exact=True).click()
    expect(seen.page.get_by_role("status")).to_have_text("Copied models/gpt-4o.yaml:2")
    assert seen.page.evaluate("navigator.clipboard.readText()") == "models/gpt-4o.yaml:2"


# --- themes and widths -----------------------------------------------------------------------------------------------


def test_contrast() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((255, 0, 0), (255, 255, 255)) == pytest.approx(4.0, abs=0.01)
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)


_RING = """() => [getComputedStyle(document.activeElement).outlineColor,
  getComputedStyle(document.querySelector("header")).backgroundColor].map((each) => each.match(/\\d+/g).map(Number))"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_can_be_read_in_both_themes(browser: Browser, address: str, theme: str) -> None:
    with opened(browser, address, theme=theme) as seen:
        for view in VIEWS:
            go(seen.page, view)
            found = contrasts(seen.page)
            assert len(found) > 15, view
            assert found[0][0] >= 4.5, (view, found[:3])
        seen.page.keyboard.press("/")
        ring, ground = seen.page.evaluate(_RING)
        assert contrast(ring, ground) >= 3
        # the control: a text that cannot be read is found
        seen.page.evaluate("document.querySelector('h1').style.color = 'rgb(128, 128, 128)'")
        assert contrasts(seen.page)[0][0] < 4.5


def test_the_theme_follows_the_system_until_it_is_chosen(browser: Browser, address: str) -> None:
    with opened(browser, address, theme="dark") as seen:
        background = "() => getComputedStyle(document.body).backgroundColor"
        dark = seen.page.evaluate(background)
        seen.page.emulate_media(color_scheme="light")
        light = seen.page.evaluate(background)
        assert dark != light
        button = seen.page.get_by_role("button", name=re.compile("^Theme"))
        for name, shown in (("light", light), ("dark", dark)):
            button.click()
            assert (button.inner_text(), seen.page.evaluate(background)) == (f"Theme: {name}", shown)
        seen.page.reload()
        assert (button.inner_text(), seen.page.evaluate(background)) == ("Theme: dark", dark)
        button.click()
        assert (button.inner_text(), seen.page.evaluate(background)) == ("Theme: auto", light)


def test_nothing_moves_for_whoever_asked_for_that(seen: Seen) -> None:
    behaviour = "() => getComputedStyle(document.documentElement).scrollBehavior"
    assert seen.page.evaluate(behaviour) == "smooth"
    seen.page.emulate_media(reduced_motion="reduce")
    assert seen.page.evaluate(behaviour) == "auto"


def test_a_phone_scrolls_the_matrix_and_not_the_page(browser: Browser, address: str) -> None:
    with opened(browser, address, width=360) as seen:
        wide = "() => document.documentElement.scrollWidth"
        for view in VIEWS:
            go(seen.page, view)
            assert seen.page.evaluate(wide) <= 360, view
        go(seen.page, "fleet")
        scroll = seen.page.locator("#fleet .scroll")
        assert scroll.evaluate("(each) => each.scrollWidth > each.clientWidth")
        first = seen.page.get_by_role("rowheader").first
        before = first.bounding_box()
        scroll.evaluate("(each) => { each.scrollLeft = 200; }")
        assert first.bounding_box() == before
        seen.page.evaluate("document.querySelector('#fleet .lead').style.width = '500px'")
        assert seen.page.evaluate(wide) > 360  # the control


# --- large fleets ----------------------------------------------------------------------------------------------------


def large(root: Path, accounts: int) -> Path:
    models = [f"m{number}" for number in range(10)]
    cost = (
        "token_costs:\n  - {start: 2024-10-01, currency: USD, per_million_tokens: {text_input: 2.5, text_output: 10}}\n"
    )
    files: dict[str, str | None] = {f"models/{each}.yaml": f"code: {each}\ntype: chat\n{cost}" for each in models}
    files["regions/europe-west6.yaml"] = (
        "region: europe-west6\nendpoints:\n"
        "  primary: {provider: azure, base_url: https://primary.example.com, api_key: ref+env://PRIMARY_KEY}\n"
        f"models: {{{', '.join(f'{each}: [primary]' for each in models)}}}\n"
    )
    for number in range(accounts):
        files[f"accounts/a{number:04}.yaml"] = (
            f"account: a{number:04}\nregion: europe-west6\ntier: pro\nendpoints:\n  own:\n    provider: azure\n"
            f"    base_url: https://a{number}.example.com\n    supported_models: [m0, m1]\n"
            f"    api_key: ref+env://KEY_{number}\n"
        )
    return write_repo(root, {**files, "models/gpt-4o.yaml": None, "accounts/acme.yaml": None})


def test_a_thousand_accounts_by_ten_models_stay_usable(browser: Browser, tmp_path: Path) -> None:
    root = large(tmp_path / "repo", 1_000)
    text = render(collect(compile_repository(root, AS_OF), root, AS_OF), "")
    assert len(text.encode()) < 1_000_000
    with opened(browser, written(tmp_path, text)) as seen:
        go(seen.page, "fleet")
        assert rows(seen.page) == 100
        seen.page.locator("#fleet .scroll").evaluate("(each) => { each.scrollTop = each.scrollHeight; }")
        expect(seen.page.locator("[role=grid] tbody tr")).to_have_count(200)
        seen.page.get_by_role("rowheader").first.focus()
        seen.page.keyboard.press("Control+End")
        assert tuple(seen.page.evaluate(_FOCUSED)) == (1_000, 10)
        seen.page.get_by_role("searchbox").fill("a0")
        assert rows(seen.page) == 100
        seen.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        assert rows(seen.page) == 1_000
        seen.page.get_by_role("searchbox").fill("")
        go(seen.page, "chains")
        expect(seen.page.locator("#chains .group h3")).to_have_text(re.compile("^a0000 and 999 accounts alike"))
        seen.page.get_by_role("searchbox").fill("a0777 m1")
        expect(seen.page.get_by_role("status")).to_have_text("1 match in chains")
        go(seen.page, "fleet")
        assert rows(seen.page) == 1
        seen.page.get_by_role("searchbox").fill("a0777")
        go(seen.page, "sizes")
        expect(seen.page.locator("#sizes tbody tr")).to_have_count(2)
        assert seen.complaints == []
