"""What a secret may be called and hold: ids, labels, annotations, aliases, payloads, as the API describes them.

The limits are documented; of the texts only "Secret Payload cannot be empty." was seen in the field (?).
Every check raises RefusedError INVALID_ARGUMENT.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

import google_crc32c

from llmcompile_secretmanager_emulator.errors import invalid

MAX_PAYLOAD = 65_536  # bytes
_MAX_LABELS = 64
_MAX_LABEL_BYTES = 128
_MAX_ANNOTATION_BYTES = 16 * 1024  # keys and values together stay below it
_MAX_ALIASES = 50
_SECRET_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")
_ANNOTATION_KEY = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
_ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")


def check_secret_id(text: str) -> None:
    if not _SECRET_ID.fullmatch(text):
        raise invalid(f"Secret ID [{text}] must match the pattern [A-Za-z0-9_-]{{1,255}}.")


def check_labels(values: Mapping[str, str]) -> None:
    if len(values) > _MAX_LABELS:
        raise invalid(f"At most {_MAX_LABELS} labels can be assigned, not {len(values)}.")
    for key, value in values.items():
        if not (key and _category(key[0]) in {"Ll", "Lo"} and _is_label(key)):
            raise invalid(f"Label key [{key}] is not valid.")
        if not _is_label(value):
            raise invalid(f"Label value [{value}] of key [{key}] is not valid.")


def _is_label(text: str) -> bool:
    r"""``[\p{Ll}\p{Lo}\p{N}_-]{0,63}`` and 128 bytes."""
    allowed = all(c in "_-" or _category(c) in {"Ll", "Lo", "Nd", "Nl", "No"} for c in text)
    return allowed and len(text) <= 63 and len(text.encode()) <= _MAX_LABEL_BYTES


def _category(char: str) -> str:
    return unicodedata.category(char)


def check_annotations(values: Mapping[str, str]) -> None:
    for key in values:
        if not _ANNOTATION_KEY.fullmatch(key):
            raise invalid(f"Annotation key [{key}] is not valid.")
    size = sum(len(key.encode()) + len(value.encode()) for key, value in values.items())
    if size >= _MAX_ANNOTATION_BYTES:
        raise invalid(f"The size of annotations is {size} bytes and must be less than {_MAX_ANNOTATION_BYTES}.")


def check_aliases(values: Mapping[str, int], newest: int) -> None:
    """Aliases of a secret with versions 1 to ``newest``. (?: that an alias of a missing version is refused)"""
    if len(values) > _MAX_ALIASES:
        raise invalid(f"At most {_MAX_ALIASES} version aliases can be assigned, not {len(values)}.")
    for alias, number in values.items():
        if not _ALIAS.fullmatch(alias) or alias in {"latest", "NEW"}:
            raise invalid(f"Version alias [{alias}] is not valid.")
        if not 1 <= number <= newest:
            raise invalid(f"Version alias [{alias}] names version [{number}], which does not exist.")


def crc32c(data: bytes) -> int:
    """Castagnoli's checksum, as `data_crc32c` has it."""
    return int(google_crc32c.value(data))


def check_payload(data: bytes, checksum: int | None) -> None:
    """``checksum`` is the CRC32C that the client sent, None if it sent none."""
    if not data:
        raise invalid("Secret Payload cannot be empty.")
    if len(data) > MAX_PAYLOAD:
        raise invalid(f"Secret Payload has {len(data)} bytes and can have at most {MAX_PAYLOAD}.")
    if checksum is not None and checksum != crc32c(data):
        raise invalid("The checksum of the Secret Payload does not match the provided data_crc32c.")
