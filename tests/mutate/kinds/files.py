"""Whole files: renamed, copied, moved and gone; and required parts of a file that are gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from tests.mutate import roles
from tests.mutate.edits import Edit, kind
from tests.mutate.example import Block, Example

_IDS = {"accounts": "account", "models": "code", "regions": "region"}
_REQUIRED = (
    "account", "code", "type", "start", "currency", "per_million_tokens", "supported_models", "token_url", "client_id",
    "client_secret", "scopes", "mode", "members", "model", "id",
)  # fmt: skip


def _listed(example: Example) -> Iterator[tuple[str, str]]:
    return ((file, file.partition("/")[0]) for file in example.files if "/" in file)


def _renamed(
    example: Example, file: str, new: str, *spots: tuple[str, tuple[int, int]], meant: tuple[str, ...] = ()
) -> Edit:
    return Edit(new, {file: None, new: example.files[file].encode()}, spots or ((new, (0, 1)),), meant)


@kind
def file_renamed(example: Example) -> Iterator[Edit]:
    """A file is called differently from the id inside"""
    for file, folder in _listed(example):
        new = f"{folder}/{PurePath(file).stem}-2.yaml"
        token = example.value(file, _IDS[folder])
        edit = _renamed(example, file, new, (new, token.span))
        users = [(each.file, each.span) for each in roles.references(example) if each.value == PurePath(file).stem]
        yield Edit(edit.file, edit.changed, (*edit.tokens, *users), ("rename the file", "did you mean"))


@kind
def file_with_another_ending(example: Example) -> Iterator[Edit]:
    """A file ends in .yml"""
    for file, _ in _listed(example):
        yield _renamed(example, file, file.replace(".yaml", ".yml"), meant=("rename it to",))


@kind
def file_in_a_folder_below(example: Example) -> Iterator[Edit]:
    """A file lies in a folder below, where nothing is read"""
    for file, folder in _listed(example):
        below = f"{folder}/old/{PurePath(file).name}"
        users = [(each.file, each.span) for each in roles.references(example) if each.value == PurePath(file).stem]
        yield _renamed(example, file, below, (f"{folder}/old", (0, 1)), *users, meant=("move its files up",))


@kind
def file_in_another_folder(example: Example) -> Iterator[Edit]:
    """A file lies in the folder of another kind"""
    for file, folder in _listed(example):
        other = {"accounts": "regions", "regions": "models", "models": "accounts"}[folder]
        new = f"{other}/{PurePath(file).name}"
        yield _renamed(example, file, new, (new, (0, len(example.files[file]))))


@kind
def file_gone(example: Example) -> Iterator[Edit]:
    """A model or region that others refer to is gone"""
    for file, folder in _listed(example):
        if folder != "accounts":
            users = [(each.file, each.span) for each in roles.references(example) if each.value == PurePath(file).stem]
            yield Edit(
                file,
                {file: None},
                tuple(users),
                (f"under {folder}/", f"{folder}/{PurePath(file).stem}", "did you mean"),
            )


@kind
def file_copied(example: Example) -> Iterator[Edit]:
    """A file was copied to start another one, and its id was not changed"""
    for file, folder in _listed(example):
        new = f"{folder}/{PurePath(file).stem}-new.yaml"
        token = example.value(file, _IDS[folder])
        yield Edit(new, {new: example.files[file].encode()}, ((new, token.span),), (f"'{PurePath(new).stem}'",))


@kind
def project_file_gone(example: Example) -> Iterator[Edit]:
    """The project file is gone"""
    yield Edit("llmcompile.yaml", {"llmcompile.yaml": None}, (("llmcompile.yaml", (0, 1)),))


@kind
def required_field_gone(example: Example) -> Iterator[Edit]:
    """A field that is required is gone"""
    for block in example.blocks:
        if block.key and _required(block):
            meant = (
                f"add {str(block.route[-1]).removesuffix('s') if block.route[-1] == 'regions' else block.route[-1]}",
            )
            parent = example.block(block.file, *block.route[:-1]) if len(block.route) > 1 else None
            first = next(each for each in example.tokens if each.file == block.file)
            start, stop = example.whole(block)
            if parent is None:
                # What lacks it is the file: it is said at its first key, whichever that is then.
                yield example.drop(block, first if first.span[0] < start else (stop, stop + 1), meant=meant)
            elif parent.key:
                yield example.drop(block, parent.key, meant=meant)
            elif block.flow or not example.files[block.file][: block.span[0]].endswith("- "):
                # An entry of a list: from its dash to where the field was.
                yield example.drop(block, (parent.span[0], max(parent.span[0] + 1, start)), meant=meant)


def _required(block: Block) -> bool:
    name = block.route[-1]
    if name in ("version", "region", "regions"):
        return len(block.route) == 1
    return name in _REQUIRED and not (name == "mode" and "teams" in block.route)
