"""Commands of `exchange`: the national tables, down and up, and marks of 好差评."""
