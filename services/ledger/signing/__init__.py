"""Signing of heads: keys, the signer, the last signed tree, and when the signer refuses."""
