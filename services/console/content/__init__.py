"""Items and guides as the desk shows them: the shape of their contracts, forms, merges, differences. Pure."""
