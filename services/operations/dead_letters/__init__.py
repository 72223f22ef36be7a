"""Messages that the broker keeps because their consumer refused them."""
