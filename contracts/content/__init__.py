"""Published content: items, guides, cases, acts; and what people and halls send in."""
