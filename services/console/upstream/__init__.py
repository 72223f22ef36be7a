"""HTTP of the other services, called as the person who is signed in."""
