"""Commands that start a county and set it up."""
