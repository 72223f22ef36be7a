"""A version whose body law has erased: the channel shows nothing of it, and that is no poison."""

from contracts.publication import Op, Publication
from services.channels.commands import Row, document_row
from services.channels.port import Adapter
from shared.comparison import is_withheld


def row_of(adapter: Adapter, entry: Publication) -> Row:
    """`document_row`, and a tombstone for a case's version that came without its body.

    A channel has a service's token, from which the ledger withholds nothing: what is missing was erased.
    """
    return document_row(adapter, entry.model_copy(update={"op": Op.WITHDRAW}) if is_withheld(entry) else entry)
