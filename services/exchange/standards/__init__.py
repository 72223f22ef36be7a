"""HSDS 3 and CPSV-AP 3: what the county has released as documents of both, and such documents into the import.

Pure but for `released_now.py`. Nothing here fetches anything that a document names.
"""
