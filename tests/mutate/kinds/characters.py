"""What editors, merges, clipboards and half-saved files leave behind: the text itself is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.mutate.edits import Edit, kind
from tests.mutate.example import Example


def _lines(example: Example) -> Iterator[tuple[str, int, str]]:
    """Every line that is not blank and no comment: file, offset, text without its end."""
    for file, text in example.files.items():
        at = 0
        for line in text.splitlines(keepends=True):
            if line.strip() and not line.lstrip().startswith("#"):
                yield file, at, line.rstrip("\n")
            at += len(line)


@kind
def merge_conflict(example: Example) -> Iterator[Edit]:
    """A line stands between the markers of a merge conflict"""
    for file, at, line in _lines(example):
        new = f"<<<<<<< HEAD\n{line}\n=======\n{line}x\n>>>>>>> price-update"
        yield example.splice(file, (at, at + len(line)), new, meant=("choose one side",))


@kind
def merge_conflict_half_resolved(example: Example) -> Iterator[Edit]:
    """The last marker of a merge conflict is left behind"""
    for file, at, _ in _lines(example):
        yield example.splice(file, (at, at), ">>>>>>> price-update\n", (at, at + 7), meant=("remove the markers",))


@kind
def merge_conflict_divider(example: Example) -> Iterator[Edit]:
    """The middle marker of a merge conflict is left behind"""
    for file, at, _ in _lines(example):
        yield example.splice(file, (at, at), "=======\n", (at, at + 7), meant=("remove the marker",))


@kind
def tab_for_indentation(example: Example) -> Iterator[Edit]:
    """A line is indented by a tab"""
    for file, at, line in _lines(example):
        indent = len(line) - len(line.lstrip(" "))
        if indent:
            yield example.splice(file, (at, at + indent), "\t" * (indent // 2), meant=("indent with spaces",))


@kind
def tab_behind_a_colon(example: Example) -> Iterator[Edit]:
    """A tab stands between a key and its value"""
    for block in example.blocks:
        if block.key and (gap := re.match(r": (?=\S)", example.files[block.file][block.key.span[1] :])):
            at = block.key.span[1] + 1
            yield example.splice(block.file, (at, at + gap.end() - 1), "\t", meant=("spaces",))


@kind
def byte_order_mark(example: Example) -> Iterator[Edit]:
    """A file starts with a byte order mark"""
    for file in example.files:
        yield example.splice(file, (0, 0), "\ufeff", meant=("UTF-8 without one",))


@kind
def nul_byte(example: Example) -> Iterator[Edit]:
    """A file holds a NUL byte"""
    for file, at, line in _lines(example):
        yield example.splice(file, (at + len(line), at + len(line)), "\0", meant=("remove it",))


@kind
def other_encoding(example: Example) -> Iterator[Edit]:
    """A value holds a letter in Latin-1"""
    for token in example.values():
        text = example.files[token.file]
        raw = text[: token.span[1] - token.quoted].encode() + b"\xfc" + text[token.span[1] - token.quoted :].encode()
        spot = token.span[1] - token.quoted
        yield Edit(token.file, {token.file: raw}, ((token.file, (spot, spot + 1)),), ("save it as UTF-8",))


@kind
def control_character(example: Example) -> Iterator[Edit]:
    """A value ends in an escape character from a terminal"""
    for token in example.values():
        yield example.replace(
            token, f"{token.value}\x1b[0m" if not token.quoted else f'"{token.value}\x1b[0m"', "remove it"
        )


@kind
def windows_line_ends(example: Example) -> Iterator[Edit]:
    """A file has the line ends of Windows"""
    for file, text in example.files.items():
        yield example.splice(file, (0, len(text)), text.replace("\n", "\r\n"), (0, 1))


@kind
def no_last_line_end(example: Example) -> Iterator[Edit]:
    """A file's last line has no end"""
    for file, text in example.files.items():
        yield example.splice(file, (len(text.rstrip("\n")), len(text)), "")


@kind
def comment_removed(example: Example) -> Iterator[Edit]:
    """A comment is gone"""
    for file, text in example.files.items():
        for found in re.finditer(r"^ *#.*\n", text, re.MULTILINE):
            yield example.splice(file, found.span(), "")


@kind
def saved_in_part(example: Example) -> Iterator[Edit]:
    """A file ends in the middle of a line"""
    for file, at, line in _lines(example):
        inside = len(line) - len(line.lstrip(" -"))
        cut = at + inside + (len(line) - inside) // 2
        edit = example.splice(file, (cut, len(example.files[file])), "", (at + inside, cut))
        # What lacks the rest is every block that was cut, and the file, which is said at its first key.
        keys = [block.key for block in example.blocks if block.file == file and block.key and block.span[1] > cut]
        first = next(each for each in example.key_tokens() if each.file == file)
        cut_keys = [each.span for each in (*keys, first) if each.span[1] <= cut]
        yield Edit(file, edit.changed, (*edit.tokens, *((file, each) for each in cut_keys)))


@kind
def emptied_file(example: Example) -> Iterator[Edit]:
    """A file holds nothing any more"""
    for file, text in example.files.items():
        yield example.splice(file, (0, len(text)), "", meant=("fill it in",))


@kind
def commented_out_file(example: Example) -> Iterator[Edit]:
    """Every line of a file is a comment"""
    for file, text in example.files.items():
        lines = "".join(f"# {line}" for line in text.splitlines(keepends=True))
        yield example.splice(file, (0, len(text)), lines, meant=("fill it in",))


@kind
def second_document(example: Example) -> Iterator[Edit]:
    """A line that starts another document is left behind"""
    for file, at, _ in _lines(example):
        first = not re.search(r"^[^#\s]", example.files[file][:at], re.MULTILINE)
        if not first:
            yield example.splice(file, (at, at), "---\n", (at, at + 3))
