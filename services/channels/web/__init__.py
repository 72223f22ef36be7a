"""The service platform (政务服务平台): everything, with labels beside codes."""
