"""Messages between services: the port, in-process delivery, RabbitMQ, and its topology."""
