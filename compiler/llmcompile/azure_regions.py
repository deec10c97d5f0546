"""The names of Azure's public regions: what a host or an endpoint is commonly named after.

A name that is missing here costs nothing but a line: ``location:`` on the endpoint says it.
"""

from __future__ import annotations

import re
from functools import lru_cache

# As `az account list-locations` names them.
_NAMES = """
australiacentral australiacentral2 australiaeast australiasoutheast austriaeast belgiumcentral brazilsouth
brazilsoutheast brazilus canadacentral canadaeast centralindia centralus chilecentral denmarkeast eastasia eastus
eastus2 francecentral francesouth germanynorth germanywestcentral indonesiacentral israelcentral italynorth japaneast
japanwest jioindiacentral jioindiawest koreacentral koreasouth malaysiawest mexicocentral newzealandnorth
northcentralus northeurope norwayeast norwaywest polandcentral qatarcentral southafricanorth southafricawest
southcentralus southeastasia southindia spaincentral swedencentral swedensouth switzerlandnorth switzerlandwest
uaecentral uaenorth uksouth ukwest westcentralus westeurope westindia westus westus2 westus3
"""
REGIONS = frozenset(_NAMES.split())
words = re.compile(r"[a-z0-9]+").findall
"""What a name of lowercase letters consists of."""


@lru_cache(maxsize=4096)
def region_in(name: str) -> str | None:
    """The Azure region that is a part of a host's or an endpoint's name; None where there is none, or several."""
    found = REGIONS.intersection(words(name.lower()))
    return next(iter(found)) if len(found) == 1 else None
