"""The page to which the QR codes of printed guides and screens lead: is this real, and does it still hold?"""
