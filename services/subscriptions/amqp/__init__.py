"""Queues of integrators at the broker: what fills them, and the alarm when nobody reads them."""
