"""Manifests: the processes of a service, and what each of them may hold, reach and do."""
