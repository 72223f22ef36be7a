"""A fifth channel, for tests: what the agents of the county's hotline (政务服务便民热线) read to callers."""
