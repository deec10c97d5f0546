"""Diagnostics as the summary of a step on GitHub: all of them on one page, where annotations end at ten of a kind.

Names stand in code spans and the rest is escaped, as in the comment of ``show.plan_markdown``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from llmcompile.diagnostics import Severity
from llmcompile.literals import mask
from llmcompile.show.located import Located, summary
from llmcompile.show.plan_markdown import code, prose

LIMIT = 1024 * 1024
"""Bytes of a step's summary; GitHub shows nothing of a longer one."""
_ROOM_FOR_COUNT = 200


def render(found: Sequence[Located], scope: str, proofs: str = "", prefix: str = "", room: int = LIMIT) -> str:
    """The page in Markdown, at most ``room`` bytes: the counts, the proofs' lines, and every problem, errors first.

    ``scope`` is what was looked at, as the start of a sentence; ``prefix`` leads from the top of the git repository to
    the root of the YAML. Empty where there is no room for even that.
    """
    lines = [f"### llmcompile check\n\n{prose(scope)}**{summary(each.diagnostic for each in found)}**\n\n"]
    lines += [f"- {prose(mask(each))}\n" for each in proofs.splitlines()]
    lines += ["\n"] if proofs else []
    rows = list(_rows(found, prefix))
    room -= sum(map(_size, lines)) + _ROOM_FOR_COUNT
    if room < 0:
        return ""
    for at, row in enumerate(rows):
        room -= _size(row)
        if room < 0:
            return "".join([*lines, f"- … and {len(rows) - at:,} more, which `--format sarif` has\n"])
        lines.append(row)
    return "".join(lines)


def _rows(found: Iterable[Located], prefix: str) -> Iterator[str]:
    for severity in Severity:
        for each in found:
            if each.diagnostic.severity is severity:
                where = code(mask(f"{prefix}{each.at.file}:{each.at.line}:{each.at.column}"))
                hint = f"; {prose(mask(each.diagnostic.hint))}" if each.diagnostic.hint else ""
                said = prose(mask(each.diagnostic.message))
                yield f"- **{severity}** {where} {code(each.diagnostic.code)}: {said}{hint}\n"


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
