"""The command `tongyuan`: one file a group of commands; all of them speak HTTP to a running county."""
