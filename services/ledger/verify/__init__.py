"""The page behind the QR codes on printed guides and screens: is this copy authentic, and is it still in force?"""
