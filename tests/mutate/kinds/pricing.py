"""Prices: wrong units, wrong places, and rows that do not fit together on the time line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from tests.mutate import roles
from tests.mutate.edits import Edit, kind
from tests.mutate.example import Block, Example, Token

_PAIRS = (
    ("text_input", "text_output"), ("cached_text_input", "text_input"), ("audio_input", "audio_output"),
    ("cached_audio_input", "audio_input"),
)  # fmt: skip


def _scaled(example: Example, by: str, **edit: str) -> Iterator[Edit]:
    for token in roles.prices(example):
        if Decimal(token.value):
            yield example.replace(
                token, f"{(Decimal(token.value) * Decimal(by)).normalize():f}", "per million tokens", **edit
            )


@kind
def price_per_token(example: Example) -> Iterator[Edit]:
    """A price is per token"""
    return _scaled(example, "0.000001")


@kind
def price_per_thousand(example: Example) -> Iterator[Edit]:
    """A price is per thousand tokens"""
    return _scaled(example, "0.001")


@kind
def price_per_billion(example: Example) -> Iterator[Edit]:
    """A price is a thousand times too high"""
    return _scaled(example, "1000")


def _shifted(example: Example, by: str) -> Iterator[Edit]:
    for token in roles.prices(example):
        if Decimal(token.value):
            yield example.replace(token, f"{(Decimal(token.value) * Decimal(by)).normalize():f}")


@kind
def price_in_cents(example: Example) -> Iterator[Edit]:
    """A price is in cents"""
    return _shifted(example, "100")


@kind
def price_with_the_point_to_the_left(example: Example) -> Iterator[Edit]:
    """A price has its decimal point a digit too far to the left"""
    return _shifted(example, "0.1")


@kind
def price_with_the_point_to_the_right(example: Example) -> Iterator[Edit]:
    """A price has its decimal point a digit too far to the right"""
    return _shifted(example, "10")


@kind
def price_of_nothing(example: Example) -> Iterator[Edit]:
    """A price is zero"""
    for token in roles.prices(example):
        if Decimal(token.value):
            cached = str(token.route[-1]).startswith("cached_")
            yield example.replace(
                token, "0", choice="some providers take nothing for what they cached" if cached else ""
            )


@kind
def prices_swapped(example: Example) -> Iterator[Edit]:
    """Input and output, cached and uncached have changed places"""
    by_place = {(each.file, each.route): each for each in roles.prices(example)}
    for (file, route), one in by_place.items():
        for low, high in _PAIRS:
            other = by_place.get((file, (*route[:-1], high)))
            if route[-1] == low and other and Decimal(one.value) != Decimal(other.value):
                yield _swapped(example, one, other)


def _swapped(example: Example, one: Token, other: Token) -> Edit:
    first, second = sorted((one, other), key=lambda each: each.span)
    middle = example.files[first.file][first.span[1] : second.span[0]]
    start, new = first.span[0], second.value + middle + first.value
    spots = (start, start + len(second.value)), (second.span[1] - len(first.value), second.span[1])
    edit = example.splice(first.file, (start, second.span[1]), new, meant=("swapped?",))
    return Edit(edit.file, edit.changed, tuple((first.file, each) for each in spots), edit.meant)


@kind
def unit_left_out(example: Example) -> Iterator[Edit]:
    """A row lacks the price of a unit that the model needs"""
    needed = {
        "chat": ("text_input", "text_output"),
        "realtime": ("text_input", "text_output"),
        "embedding": ("text_input",),
    }
    for block in example.blocks:
        of_type = needed.get(example.value(block.file, "type").value, ()) if block.file.startswith("models") else ()
        if len(block.route) == 4 and block.route[2] == "per_million_tokens" and block.route[3] in of_type:
            parent = example.block(block.file, *block.route[:3]).key
            assert parent
            yield example.drop(block, parent, meant=(f"add {block.route[3]}",))


def _rows(example: Example) -> Iterator[tuple[Block, Block | None]]:
    """Every price row with the one behind it."""
    rows = [each for each in example.blocks if len(each.route) == 2 and each.route[0] == "token_costs"]
    for index, row in enumerate(rows):
        following = rows[index + 1] if index + 1 < len(rows) and rows[index + 1].file == row.file else None
        yield row, following


def _moved(token: Token, days: int) -> str:
    return (date.fromisoformat(token.value[:10]) + timedelta(days=days)).isoformat()


def _with_end(example: Example, row: Block, end: str) -> Edit:
    """The row ends at a date, whether it had an end or not."""
    old = [each for each in example.values() if each.file == row.file and each.route == (*row.route, "end")]
    if old:
        return example.replace(old[0], end)
    start = example.value(row.file, *row.route, "start")
    return example.splice(
        row.file,
        (start.span[1], start.span[1]),
        f"\n    end: {end}",
        (start.span[1] + 10, start.span[1] + 10 + len(end)),
    )


def _also(example: Example, edit: Edit, token: Token) -> Edit:
    """The other of two dates that disagree is as right a token."""
    by = len((edit.changed[edit.file] or b"").decode()) - len(example.files[edit.file])
    start, stop = token.span
    moved = (start + by, stop + by) if start > edit.tokens[0][1][0] else (start, stop)
    return Edit(edit.file, edit.changed, (*edit.tokens, (edit.file, moved)), edit.meant)


@kind
def rows_overlap(example: Example) -> Iterator[Edit]:
    """A row ends after the next one starts"""
    for row, following in _rows(example):
        if following:
            start = example.value(row.file, *following.route, "start")
            yield _also(example, _with_end(example, row, _moved(start, 31)), start)


@kind
def rows_leave_a_gap(example: Example) -> Iterator[Edit]:
    """A row ends before the next one starts"""
    for row, following in _rows(example):
        if following:
            start = example.value(row.file, *following.route, "start")
            yield _also(example, _with_end(example, row, _moved(start, -31)), start)


@kind
def row_ends_before_it_starts(example: Example) -> Iterator[Edit]:
    """A row ends before it starts"""
    for row, _ in _rows(example):
        start = example.value(row.file, *row.route, "start")
        yield _also(example, _with_end(example, row, _moved(start, -31)), start)


@kind
def rows_start_together(example: Example) -> Iterator[Edit]:
    """Two rows start at one instant"""
    for row, following in _rows(example):
        if following:
            one, other = (example.value(row.file, *each.route, "start") for each in (row, following))
            yield _also(example, example.replace(other, one.value), one)


@kind
def rows_reordered(example: Example) -> Iterator[Edit]:
    """Two rows have changed places"""
    for row, following in _rows(example):
        if following:
            one, other = example.text(row).rstrip(), example.text(following).rstrip()
            start, stop = row.span[0], following.span[0] + len(other)
            middle = example.files[row.file][start + len(one) : following.span[0]]
            new = other + middle + one
            yield example.splice(row.file, (start, stop), new)


@kind
def row_pasted(example: Example) -> Iterator[Edit]:
    """A row is there a second time"""
    for row, _ in _rows(example):
        written = example.text(row).rstrip()
        at = row.span[0] + len(written)
        yield example.splice(row.file, (at, at), f"\n  - {written}", (at + 5, at + 5 + len(written)))


@kind
def prices_that_end(example: Example) -> Iterator[Edit]:
    """The last row of a model that is served ends soon"""
    for row, following in _rows(example):
        if following is None:
            start = example.value(row.file, *row.route, "start")
            if start.value < "2026-02":
                yield _with_end(example, row, "2026-02-15")


@kind
def prices_removed(example: Example) -> Iterator[Edit]:
    """A model that is served has no price any more"""
    for block in example.blocks:
        if block.route == ("token_costs",):
            code = example.value(block.file, "code")
            key = example.block(block.file, "code").key
            assert key
            yield example.drop(block, code, key.span, meant=("add a row",))


@kind
def first_price_in_the_future(example: Example) -> Iterator[Edit]:
    """The first price of a model that is served starts in the future"""
    for row, following in _rows(example):
        if row.route[1] == 0 and (
            following is None or example.value(row.file, *following.route, "start").value > "2026-03"
        ):
            edit = example.replace(example.value(row.file, *row.route, "start"), "2026-03-01")
            key = example.block(row.file, "token_costs").key
            assert key
            yield Edit(edit.file, edit.changed, (*edit.tokens, (row.file, key.span)))


@kind
def other_currency_in_a_row(example: Example) -> Iterator[Edit]:
    """One row of several is in another currency"""
    for row, following in _rows(example):
        if row.route[1] or following:
            edit = example.replace(example.value(row.file, *row.route, "currency"), "EUR")
            others = [each for each in roles.scalars(example, "currency") if each.file == row.file]
            yield Edit(edit.file, edit.changed, tuple((row.file, each.span) for each in others))


@kind
def year_with_swapped_digits(example: Example) -> Iterator[Edit]:
    """A date's year has two digits swapped: 2062 for 2026"""
    for token in roles.scalars(example, "start", "end"):
        edit = example.replace(token, f"20{token.value[3]}{token.value[2]}{token.value[4:]}")
        near = [each for each in roles.scalars(example, "start", "end") if each.file == token.file]
        yield Edit(edit.file, edit.changed, tuple((token.file, each.span) for each in near))


@kind
def year_of_another_century(example: Example) -> Iterator[Edit]:
    """A date's year is a hundred years too late"""
    for token in roles.scalars(example, "start", "end"):
        edit = example.replace(token, f"21{token.value[2:]}")
        near = [each for each in roles.scalars(example, "start", "end") if each.file == token.file]
        yield Edit(edit.file, edit.changed, tuple((token.file, each.span) for each in near))


@kind
def type_swapped(example: Example) -> Iterator[Edit]:
    """A model's type is another one"""
    for token in roles.scalars(example, "type"):
        for other in roles.ENUMS["type"]:
            if other != token.value:
                realtime = token.file == "models/gpt-realtime.yaml" and other == "chat"
                free = token.file == "models/llama3.2.yaml" and other == "embedding"
                choice = (
                    "a chat model, with realtime: true" if realtime else "prices of 0 fit both types" if free else ""
                )
                yield example.replace(token, other, choice=choice)
