"""Where every token came from, and proof that nothing has changed since.

`doors` counts what passes each stage; `ledger` has a row for every input document; `manifest` lists the run's files
and counts; `verify` re-reads everything; `trace` goes from a token to its document and back.
"""

from tokenfoundry.provenance.trace import DocumentTrace, TokenTrace, trace, trace_document
from tokenfoundry.provenance.verify import VerifyResult, verify

__all__ = ["DocumentTrace", "TokenTrace", "VerifyResult", "trace", "trace_document", "verify"]
