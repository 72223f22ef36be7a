"""People of the desk: accounts, passwords, second factor, sessions, API tokens, rights."""
