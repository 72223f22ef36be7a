"""Writing items and guides: forms made from the contracts, working copies, merging by field, differences."""
