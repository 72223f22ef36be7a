"""The log: records releases, and serves entries, tiles and trees."""
