"""The tables of the desk's store share this metadata; each folder has its own tables in a module `model.py`."""

from sqlalchemy import MetaData

console_metadata = MetaData()
