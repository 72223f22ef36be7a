"""demo: 云溪县, a county that does not exist, with everything a county publishes, for trying the system out."""
