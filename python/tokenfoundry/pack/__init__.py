"""Filling training rows with documents, with little padding and few cuts.

`plan` decides which piece of which document goes into which row, from lengths alone, and says how good the result is;
`pack` also lays the tokens out; `Streaming` packs documents as they come; `balance` and `schedule` deal rows to ranks so
that none waits; `fim` moves middles behind ends; `boundaries` finds where a long document may be cut.

Not for deciding which documents to train on, or in which order: that is the loader's.
"""

from tokenfoundry.pack.balancing import Cost, balance, schedule
from tokenfoundry.pack.infilling import fim
from tokenfoundry.pack.laying import Boundaries, Packed, lay_out, pack
from tokenfoundry.pack.planning import Plan, boundaries, plan
from tokenfoundry.pack.streaming import Rows, Streaming

__all__ = [
    "Boundaries",
    "Cost",
    "Packed",
    "Plan",
    "Rows",
    "Streaming",
    "balance",
    "boundaries",
    "fim",
    "lay_out",
    "pack",
    "plan",
    "schedule",
]
