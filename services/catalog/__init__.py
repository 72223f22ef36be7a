"""catalog: the county's service items (基本目录 and 实施清单), their drafts and releases."""
