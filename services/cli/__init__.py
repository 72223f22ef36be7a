"""The command `tongyuan`, one module per group of commands. Most commands speak HTTP to a running county."""
