"""Exchange with the national and provincial tables: items down and up, cases up, marks of 好差评 both ways. Foreign
standards: items out and in.

It runs from the command line, holds no store, and reaches the services over HTTP.
"""
