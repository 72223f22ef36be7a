"""Makes a channel what its ledger says, and takes nothing away unsaid: rebuild, snapshot start, repair, drill."""
