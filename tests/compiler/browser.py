"""A real headless Chromium for tests of the report: what a page asks for, says and shows; and WCAG's contrast."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
_ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip
PATIENCE = 60_000
"""Milliseconds that anything may take on a loaded machine."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser; nothing of it is left when it is closed, so that no other test finds it."""
    if not CHROMIUM.exists():
        pytest.skip(f"no {CHROMIUM}")
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS, timeout=PATIENCE)
        try:
            yield browser
        finally:
            browser.close()
    gc.collect()


@dataclass
class Seen:
    """A page with all that it asked for, allowed or not, and complained of."""

    page: Page
    requests: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    """Why a request failed, by its address."""
    complaints: list[str] = field(default_factory=list)


@contextmanager
def opened(browser: Browser, address: str, width: int = 1280, theme: str = "light") -> Iterator[Seen]:
    """A new window on an address; everything that it asks for is noted from the first byte on."""
    scheme = "dark" if theme == "dark" else "light"
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    context.set_default_timeout(PATIENCE)
    try:
        seen = Seen(context.new_page())
        seen.page.on("request", lambda request: seen.requests.append(request.url))
        seen.page.on("requestfailed", lambda request: seen.failures.update({request.url: request.failure or ""}))
        seen.page.on("console", lambda message: seen.complaints.append(f"{message.type}: {message.text}"))
        seen.page.on("pageerror", lambda error: seen.complaints.append(f"error: {error}"))
        seen.page.goto(address)
        yield seen
    finally:
        context.close()


Colour = tuple[float, float, float]


def contrast(one: Colour, other: Colour) -> float:
    """WCAG's contrast ratio of two colours of sRGB, 0 to 255 a channel: from 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Colour) -> float:
    red, green, blue = (_linear(each / 255) for each in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(share: float) -> float:
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4


_TEXTS = """() => {
  const opaque = (colour) => !/^rgba\\(.*, 0\\)$/.test(colour) && colour !== "transparent";
  const numbers = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((each) => each.nodeType === 3 && each.textContent.trim());
    if (!own || !element.checkVisibility() || element.closest("title, script, noscript, .skip")) continue;
    let behind = element;
    while (behind.parentElement && !opaque(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement;
    const style = getComputedStyle(element);
    const ink = element.namespaceURI.endsWith("svg") ? style.fill : style.color;
    const ground = getComputedStyle(behind).backgroundColor;
    found.push([element.textContent.trim().slice(0, 40), numbers(ink), numbers(ground)]);
  }
  return found;
}"""


def contrasts(page: Page) -> list[tuple[float, str]]:
    """The contrast of every visible text with what lies behind it, the weakest first."""
    found: list[tuple[str, list[float], list[float]]] = page.evaluate(_TEXTS)
    return sorted((contrast((*ink,), (*behind,)), text) for text, ink, behind in found)  # type: ignore[arg-type]
