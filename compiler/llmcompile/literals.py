"""What a secret written out looks like, and how text of unknown content is shown.

The first defence is by type: fields that hold secrets accept refs alone. This is the second, for keys that
landed anywhere else, and for every excerpt and value that a message repeats.
"""

from __future__ import annotations

import difflib
import re
from functools import lru_cache

_POINTER = re.compile(r"(ref\+[a-z]+://|os\.environ/|sm://|projects/)")
_SCHEMES = ("ref+", "os.environ/", "sm://", "projects/")
_SECRET_FIELD = re.compile(
    r"(api|access|secret|private|master|salt)[-_]?k[a-z]{1,3}$|secret|password|passwd|token$|credential_value", re.I
)

_LITERAL = re.compile(
    r"""(?<![A-Za-z0-9+_-])(
      sk-[A-Za-z0-9_-]{16,}              # OpenAI, Anthropic, OpenRouter, DeepSeek
    | gsk_[A-Za-z0-9]{20,}               # Groq
    | xai-[A-Za-z0-9]{20,}               # xAI
    | pplx-[A-Za-z0-9]{20,}              # Perplexity
    | AIza[A-Za-z0-9_-]{30,}             # Google
    | AKIA[A-Z0-9]{16}                   # AWS
    | gh[pousr]_[A-Za-z0-9]{30,}         # GitHub
    | eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*   # a JWT
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----.*
    | [A-Za-z0-9_]{3}8Q~[A-Za-z0-9_.~-]{30,}  # an Entra client secret
    | (?<!/)[A-Za-z0-9]{50,56}JQQJ99[A-Za-z0-9]{20,30}                  # Azure OpenAI, 84 characters
    | (?<!/)(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{32}(?![0-9a-f-])     # Azure OpenAI, 32 hexadecimal digits
    )""",
    re.VERBOSE,
)
_UNPRINTABLE = re.compile("[\0-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]")
# A name is tried where it starts and given up whole: a line of a million letters costs a million steps, not their
# square.
# "gcpsecrets://" is a scheme, and no field of that name.
_FIELD = re.compile(r"""(?<![A-Za-z_-])([A-Za-z_-]++)["']?\s*+[:=](?!//)\s*+["']?""")
_VALUE = re.compile(r"""[^\s"',}\]#][^\s"',}\]]*""")
_IN_URL = re.compile(
    r"""(?<=://)[^/\s@"']+(?=@)|(?<=[?&])[\w-]*(?:key|token|secret|sig|password|code)=[^&\s"'#]+""", re.I
)
_SECRET_FIELDS = ("api_key", "client_secret", "password", "secret_key")


@lru_cache(maxsize=4096)
def is_secret_field(name: str) -> bool:
    """Whether a key of this name, spelled right or not, is made to hold a secret."""
    if _SECRET_FIELD.search(name):
        return name not in ("token_url", "oauth_token_url", "tokens_per_day")
    near = 5 <= len(name) <= 16 and difflib.get_close_matches(name.lower(), _SECRET_FIELDS, n=1, cutoff=0.75)
    return bool(near)


def is_pointer(text: str) -> bool:
    """Whether the text points to a secret instead of being one."""
    return text.startswith(_SCHEMES) and bool(_POINTER.match(text))


def looks_literal(text: str) -> bool:
    """Whether the text holds something that looks like a key of a known provider."""
    return len(text) >= 20 and _LITERAL.search(text) is not None


def mask(line: str) -> str:
    """A line as it may be shown: no secret, no escape sequence, the same length."""
    hidden = _hide_values(_IN_URL.sub(_stars, _LITERAL.sub(_stars, line)))
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", hidden)


def _stars(found: re.Match[str]) -> str:
    return "*" * len(found.group())


def _hide_values(line: str) -> str:
    """The line with the first word behind each secret field hidden."""
    parts, at = [], 0
    for field in _FIELD.finditer(line):
        # What lies inside of a value is done: a line full of fields must not cost its square.
        if field.end() < at or not is_secret_field(field[1]) or not (value := _VALUE.match(line, field.end())):
            continue
        shown = value.group() if is_pointer(value.group()) else _stars(value)
        parts += [line[at : value.start()], shown]
        at = value.end()
    return "".join([*parts, line[at:]])


def mask_unparsed(lines: list[str]) -> str:
    """The last of these lines, as it may be shown where nobody knows where values end.

    A secret field hides the rest of its line, and what is indented below it.
    """
    line = lines[-1]
    above = next((each for each in reversed(lines[:-1]) if each.strip() and _indent(each) < _indent(line)), "")
    if _secret_at(above) is not None:
        return "*" * len(line)
    at = _secret_at(line)
    return mask(line if at is None else line[:at] + "*" * (len(line) - at))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" -"))


def _secret_at(line: str) -> int | None:
    """Where the value of the first secret field begins; None where there is none, or it is a pointer."""
    for found in _FIELD.finditer(line):
        if is_secret_field(found[1]) and not _POINTER.match(line, found.end()):
            return found.end()
    return None


def quote(text: object) -> str:
    """A value of the user's in quotation marks, cut to 60 characters and masked."""
    shown = mask(str(text))
    return f"'{shown[:57]}...'" if len(shown) > 60 else f"'{shown}'"
