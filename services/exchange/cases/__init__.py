"""Cases: as rows of `up_pro_*`, and what halls and devices report of them."""
