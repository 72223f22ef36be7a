"""The audit logs of desk and sources as one list: search, differences, the chains' state, export."""
