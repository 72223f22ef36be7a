"""The feed: pages, long poll and event stream over the log, for subscribers with a key."""
