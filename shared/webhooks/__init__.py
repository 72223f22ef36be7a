"""What every sender of webhooks needs: which addresses may be called, signatures, and when to try again. Pure."""
