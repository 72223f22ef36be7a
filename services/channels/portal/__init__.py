"""The government portal (政府网站): read-only, under a permanent address, with index number and day of publication."""
