"""What crosses a service boundary, written once; imports nothing of ours outside this folder."""
