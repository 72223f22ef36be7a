"""Lists of items as tables: CSV and Excel, out and in."""
