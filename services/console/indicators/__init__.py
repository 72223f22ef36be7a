"""Indicators: numbers about the county's services, each with what it is computed from, when, and the list behind it."""
