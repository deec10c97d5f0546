"""The names of Azure's regions, beside what Microsoft's own API says there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmcompile.azure_regions import REGIONS, region_in

PHYSICAL = (Path(__file__).parents[1] / "data/azure/physical-regions.txt").read_text("utf-8").split()
SINCE = {  # opened, or said to be, after that list was made; swedensouth is restricted, and in no list of the API's
    "austriaeast", "belgiumcentral", "chilecentral", "denmarkeast", "indonesiacentral", "malaysiawest",
    "newzealandnorth", "swedensouth",
}  # fmt: skip


def test_every_region_is_known_and_none_is_made_up() -> None:
    assert set(PHYSICAL) == REGIONS - SINCE
    assert SINCE <= REGIONS


@pytest.mark.parametrize("name", PHYSICAL)
def test_a_region_is_found_in_a_host(name: str) -> None:
    assert region_in(f"acme-{name}-001.openai.azure.com") == name
    assert region_in(f"acme{name}.openai.azure.com") is None  # the control: no part of its own
