"""Commands about the people of the desk."""
