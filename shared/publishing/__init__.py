"""What every source of releases has: editions, imports, acts, and the HTTP for editors."""
