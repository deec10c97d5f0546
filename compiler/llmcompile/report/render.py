"""The page's data to one HTML file that loads nothing: style, script and data are inside.

Its content security policy allows this style and this script by their hashes, and nothing else. All text is escaped.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from llmcompile import __version__
from llmcompile.emit.canonical import money
from llmcompile.emit.contract import MAX_SECRET_BYTES
from llmcompile.inputs.values import format_instant
from llmcompile.report import plot
from llmcompile.report.data import Page
from llmcompile.report.island import island
from llmcompile.report.links import href

_TEMPLATES = Path(__file__).parents[1] / "templates" / "report"
_SCRIPTS = ("draw.js", "data.js", "chains.js", "dialog.js", "matrices.js", "views.js", "page.js")
"""In this order: each uses what those before it declare."""
PROBLEMS_SHOWN = 500
"""Problems on the page; it says how many more there are."""


def render(page: Page, base: str) -> str:
    """The page as HTML. ``base`` makes links, as in ``report.links``; the same data gives the same text."""
    style, script = Markup(_text("page.css")), Markup(_script())  # noqa: S704 - ours
    templates = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters |= {"instant": format_instant, "money": money}
    axis = plot.axis(page)
    return templates.get_template("page.html").render(
        page=page,
        version=__version__,
        style=style,
        script=script,
        policy=_policy(style, script),
        data=_json(island(page, base) | {"room": MAX_SECRET_BYTES}),
        link=partial(href, base),
        axis=axis,
        plots={each.code: plot.plots(each, axis, page.as_of) for each in page.models},
        height=plot.HEIGHT,
        zero=plot.ZERO,
        problems=page.problems[:PROBLEMS_SHOWN],
        codes=Counter((each.severity, each.code) for each in page.problems),
        room=MAX_SECRET_BYTES,
    )


def _text(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _script() -> str:
    """All parts as one; the block keeps their names out of the page's own."""
    return "\n".join(['"use strict";', "{", *map(_text, _SCRIPTS), "}", ""])


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _json(data: Any) -> Markup:
    """JSON that no HTML parser takes for markup: there is no ``<``, ``>`` or ``&`` in it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for each in "<>&\u2028\u2029":
        text = text.replace(each, f"\\u{ord(each):04x}")
    return Markup(text)  # noqa: S704 - escaped above
