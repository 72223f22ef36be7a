"""What halls and their devices report: messages, marks of 好差评, and service records."""
