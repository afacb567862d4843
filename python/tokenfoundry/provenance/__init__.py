"""Where every token came from, and proof that nothing has changed since.

`doors` counts what passes each stage; `ledger` has a row for every input document; `manifest` lists the run's files
and counts; `verify` re-reads everything; `trace` goes from a token to its document and back;
`takedown` takes documents out of a finished run; `signing` signs it.
"""

from tokenfoundry.provenance.signing import new_key, sign
from tokenfoundry.provenance.takedowns import Takedown, purge, takedown
from tokenfoundry.provenance.trace import DocumentTrace, TokenTrace, trace, trace_document
from tokenfoundry.provenance.verify import VerifyResult, verify

__all__ = [
    "DocumentTrace", "Takedown", "TokenTrace", "VerifyResult", "new_key", "purge", "sign", "takedown", "trace",
    "trace_document", "verify",
]  # fmt: skip
