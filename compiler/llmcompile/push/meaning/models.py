"""What a policy says of a model beside its prices: what it is, its defaults and its fallbacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from llmcompile.inputs.model import FALLBACKS
from llmcompile.push.meaning.facts import Said, say
from llmcompile.push.meaning.shown import MISSING, Unclear, flag, name, names, number, setting
from llmcompile.push.meaning.walk import Place, Rule


def model_rules() -> list[Rule]:
    """The rules of ROUTER_POLICY for models."""
    at = ("models", "*")
    return [
        Rule((*at, "type"), partial(_field, "model-type", name, "none")),
        Rule((*at, "realtime"), partial(_field, "model-realtime", flag, "no")),
        Rule((*at, "default_params", "*"), _default),
        Rule((*at, "upstream_max_batch_inputs"), partial(_field, "model-batch-inputs", number, "1")),
        *(Rule((*at, kind), partial(_field, "fallbacks", names, "none")) for kind in FALLBACKS),
    ]


def _field(code: str, shown: Callable[[Any], str], absent: str, place: Place) -> Iterator[Said]:
    old, new = (absent if side is MISSING else shown(side) for side in (place.old, place.new))
    if old == new:
        raise Unclear
    yield say(code, f"{place.key} of ", name(place.up().key), ": ", new, " (was ", old, ")")


def _default(place: Place) -> Iterator[Said]:
    """A default parameter: its value where it is a plain one."""
    old, new = ("none" if side is MISSING else setting(place.key, side) for side in (place.old, place.new))
    start = ("default ", name(place.key), " of ", name(place.up(2).key))
    if old is None or new is None or old == new:
        yield say("model-default", *start, " changed")
    else:
        yield say("model-default", *start, ": ", new, " (was ", old, ")")
