"""Settings that processes read whatever their service is. A manifest names those that only some processes read.

A setting that is read but may not be held, such as the admin token at a channel, is empty in every process that starts
(`services.runtime.manifests.held`).
"""

EVERY_PROCESS = (
    "region",
    "county",
    "origin",
    "review",
    "data_dir",
    "database_url",
    "host",
    "log_level",
    "tls_folder",
    "tls_listen",
)

EVERY_HTTP = (
    "port",
    # The edge compares the token of a request with these, and then with the tokens of callers.
    "admin_token",
    "admin_token_hash",
    "service_token",
    "callers",
    "bytes_in_flight",
    "connections",
    "streams",
    "streams_per_address",
    "stream_networks",
)

EVERY_WORKER = ("metrics_port",)

KEYS = (
    "caller_key",
    "operator_key",
    "personal_key_file",
    "staff_key_file",
    "source_key_file",
    "sm2_key_file",
    "witness_key_file",
    "webhook_key_file",
)
"""Each is a private key, or names the file of one. The key of the ledger's heads is in the folder `data_dir`."""

OF_OPERATORS = ("broker_management_url", "exchange_database_url")
"""Further settings of the command line that grant more than any process needs."""
