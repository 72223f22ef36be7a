"""guides: the service guides (办事指南), their drafts and releases."""
