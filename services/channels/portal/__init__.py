"""The government portal (政府网站): read-only, with permanent addresses, index numbers and dates of publication."""
