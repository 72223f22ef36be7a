"""Who acts in tests that are not about people."""

from shared.tokens.person import Actor

TESTER = Actor("tester")
