"""The pages that all channels share."""
