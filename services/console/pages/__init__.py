"""The frame of every page of the desk: templates, static files, navigation, forms."""
