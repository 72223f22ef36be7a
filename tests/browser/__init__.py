"""A package, so that county and browsers end with its last test and weigh on no other."""
