"""demo: 云溪县, a fictional county with everything that a county publishes, for trying the system."""
