"""Webhooks by Standard Webhooks: signatures, addresses, deliveries in order of keys, and the worker."""
