"""Published facts about cards, centres and hubs, read into frozen records without a database.

The tables beside this file are copied from the 智能算力产业发展白皮书 (2024) and public policy texts, quirks included:
a missing figure stays missing, and what a source prints oddly is said in ``note``. ``figures.csv`` adds what vendors
publish about bandwidth and further precisions, each with its source.
"""

from market.reference.estimate import CardEstimate, Skipped, SkipReason, cards, estimates
from market.reference.facts import AcceleratorFact, CentreFact, FigureFact, HubFact, Precision, Status
from market.reference.figures import figures
from market.reference.places import hub_of
from market.reference.tables import accelerators, centres, hubs

__all__ = [
    "AcceleratorFact",
    "CardEstimate",
    "CentreFact",
    "FigureFact",
    "HubFact",
    "Precision",
    "SkipReason",
    "Skipped",
    "Status",
    "accelerators",
    "cards",
    "centres",
    "estimates",
    "figures",
    "hub_of",
    "hubs",
]
