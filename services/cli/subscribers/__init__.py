"""Commands about integrators who subscribe."""
