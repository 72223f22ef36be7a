"""One folder per service.

Services do not import each other; only `runtime`, `cli`, `operations` and `demo` know several.
"""
