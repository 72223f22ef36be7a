"""The first page of the desk: what waits for the person who is signed in."""
