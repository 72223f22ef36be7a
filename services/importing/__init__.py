"""Importing: foreign files of service items, row by row, into our contracts; it writes nothing but reports."""
