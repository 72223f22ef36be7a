"""The file formats that can be imported, and how each is read into rows."""
