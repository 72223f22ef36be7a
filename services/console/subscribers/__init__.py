"""Subscribers: who is told of releases, how far each is, its keys and deliveries; the subscriptions service decides."""
