"""The guide linter: rules G-1 … G-16 (domain reference 7.3) on an item and its guide. Pure functions, no database."""
