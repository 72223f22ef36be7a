"""Secrets and personal data: TLS, secret files, the vault, case references."""
