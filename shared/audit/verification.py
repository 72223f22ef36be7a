"""The check of a whole audit log: every hash again, and the row that the ledger has signed. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from contracts.base import Json
from contracts.envelope.statement import AuditHead
from shared.audit.chain import GENESIS, anchor_of, faults


@dataclass(slots=True)
class Verification:
    """`rows`: number of the newest row. `signed`: number of the row that the ledger has signed; None: none yet.

    `read`: rows read so far.
    """

    rows: int = 0
    signed: int | None = None
    read: int = 0
    faults: list[str] = field(default_factory=list)

    def check(
        self, newest_first: Iterable[Json], signed: AuditHead | None, before: tuple[int, str] | None = None
    ) -> "Verification":
        """Read the log once, newest first. `before`: number and hash of the row before the oldest one; see `faults`.

        Rows that are written meanwhile are not read. Rows that are removed meanwhile are reported as missing: check
        again.
        """
        first, known = before, dict([before] if before else [])

        def counted() -> Iterator[Json]:
            for row in newest_first:
                self.rows = self.rows or row["sequence"]
                self.read += 1
                nonlocal first
                first = first or anchor_of(row)
                if signed is not None and row["sequence"] == signed.sequence:
                    known[signed.sequence] = row["hash"]
                yield row

        self.faults = list(faults(counted(), before))
        if signed is not None:
            self.signed = signed.sequence
            first = first or (0, GENESIS)
            known.setdefault(*first)
            if signed.sequence >= first[0] and known.get(signed.sequence) != signed.hash:
                text = f"the ledger has signed row {signed.sequence} with another hash, or the log no longer has it"
                self.faults.append(text)
        return self
