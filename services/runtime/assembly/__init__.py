"""Assembles services from their parts where `services.runtime.wiring` would know too much of them."""
