"""Subscriptions: integrators are told what the county releases, by a feed that they read and by webhooks."""
