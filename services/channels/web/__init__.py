"""The service platform (政务服务平台): all fields, with labels for codes."""
