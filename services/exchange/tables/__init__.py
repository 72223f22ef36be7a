"""The exchange tables: their columns, and how they are read and written as files and in a database."""
