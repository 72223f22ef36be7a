"""Personal data of applications: sealed at rest, kept out of errors, erased as the law requires."""
