"""The lifecycle of a case: facts, states, deadlines."""
