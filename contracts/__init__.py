"""Contracts between services; they import nothing of this project outside this folder."""
