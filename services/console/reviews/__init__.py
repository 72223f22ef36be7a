"""The five gates at the desk: what waits for a signature, one review, urgent withdrawals, and who signs for whom."""
