"""Importing: converts foreign files of service items, row by row, to our contracts. It writes only report files."""
