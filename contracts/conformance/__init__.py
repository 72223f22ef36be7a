"""The conformance kit: does a program that reads a county's events keep the rules of the feed? See README.md."""
