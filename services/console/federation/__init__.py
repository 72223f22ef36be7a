"""Signing in with an account of the unit: an OpenID provider says who it is, the desk what they may do."""
