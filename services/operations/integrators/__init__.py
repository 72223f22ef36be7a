"""Queues and accounts of integrators at the broker, with the account that may make them."""
