"""Items: rows of `up_task_*` into the import, and released items as such rows."""
