"""All metrics of the pipeline. Labels are closed sets: services, lanes, channels; never a key or an address."""

from prometheus_client import Counter, Gauge, Histogram

LATENCY_BUCKETS = (0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600)

released = Counter("tongyuan_releases_total", "Versions released by a source.", ["source", "lane", "op"])
outbox_depth = Gauge("tongyuan_outbox_depth", "Releases not yet confirmed by the next hop.", ["service", "lane"])
outbox_age = Gauge("tongyuan_outbox_oldest_age_seconds", "Age of the oldest unconfirmed release.", ["service", "lane"])
relayed = Counter("tongyuan_relayed_total", "Messages confirmed by the next hop.", ["service", "lane"])
relay_failures = Counter("tongyuan_relay_failures_total", "Batches that were not confirmed.", ["service", "lane"])
leading = Gauge("tongyuan_leader", "1 if this process holds the lock of its role.", ["role"])

ledger_position = Gauge("tongyuan_ledger_position", "Position of the newest entry of the ledger.")
ledger_holes = Counter(
    "tongyuan_ledger_version_holes_total", "Missing earlier versions that the ledger fetched from their source."
)
signer_refuses = Gauge(
    "tongyuan_signer_refuses", "1 while the signer refuses to sign because the ledger lost entries or forked."
)
ledger_damaged = Gauge("tongyuan_ledger_damaged", "Damaged entries and tiles of the ledger that are not repaired.")
ledger_mended = Counter("tongyuan_ledger_mended_total", "Damaged entries and tiles that the ledger repaired.", ["part"])
scrub_position = Gauge(
    "tongyuan_ledger_scrub_position", "Position up to which the ledger has checked its entries in this round."
)
scrub_finished = Gauge(
    "tongyuan_ledger_scrub_finished_seconds", "Unix time at which the ledger last finished checking all its entries."
)
head_age = Gauge("tongyuan_head_age_seconds", "Age of the newest signed head that this process has seen.", ["service"])

position = Gauge("tongyuan_channel_position", "Position up to which a channel has applied the ledger.", ["channel"])
applied = Counter("tongyuan_applied_total", "Entries applied.", ["service", "op"])
duplicates = Counter("tongyuan_duplicates_total", "Entries received again and ignored.", ["service"])
gaps_healed = Counter("tongyuan_gaps_healed_total", "Gaps filled from upstream over HTTP.", ["service"])
refused = Counter(
    "tongyuan_refused_messages_total", "Messages refused and sent to a dead-letter queue.", ["service", "reason"]
)
unproven = Counter("tongyuan_unproven_upstream_total", "Entries from upstream whose proof failed.", ["service"])
drill_success = Gauge(
    "tongyuan_drill_last_success_timestamp_seconds", "Unix time of the last successful drill.", ["channel"]
)
drill_good = Gauge("tongyuan_drill_good", "1 if the newest drill succeeded.", ["channel"])
drill_seconds = Gauge("tongyuan_drill_seconds", "Duration of the newest drill.", ["channel"])
drill_differences = Gauge("tongyuan_drill_differences", "Documents that differed in the newest drill.", ["channel"])
erased = Counter("tongyuan_erased_bodies_total", "Bodies of case entries erased as the law requires.", ["service"])
halted = Gauge(
    "tongyuan_channel_halted", "1 while a channel is halted because the ledger lost entries or forked.", ["channel"]
)
head_refused = Counter("tongyuan_head_refused_total", "Heads that a channel refused.", ["channel", "reason"])
snapshot_refused = Counter(
    "tongyuan_snapshot_refused_total",
    "Snapshots that a starting channel refused; it read every entry instead.",
    ["channel"],
)
parked = Gauge(
    "tongyuan_parked_entries", "Entries that a channel could not show and set aside for an operator.", ["channel"]
)
dead_letters = Gauge("tongyuan_dead_letters", "Messages in a dead-letter queue.", ["queue"])
queue_consumers = Gauge("tongyuan_queue_consumers", "Consumers of a queue, as the broker counts them.", ["queue"])
queue_messages = Gauge("tongyuan_queue_messages", "Messages ready in a queue, as the broker counts them.", ["queue"])
canary_released = Gauge("tongyuan_canary_released_version", "Newest version of the canary that was released.")
canary_shown = Gauge(
    "tongyuan_canary_shown_version", "Version of the canary that a channel's readers would get.", ["channel"]
)
canary_latency = Histogram(
    "tongyuan_canary_latency_seconds",
    "Time from the release of the canary until a channel has applied it.",
    ["channel"],
    buckets=LATENCY_BUCKETS,
)
documents = Gauge("tongyuan_documents", "Documents that a channel shows.", ["channel", "kind"])
publication_latency = Histogram(
    "tongyuan_publication_latency_seconds",
    "Time from the source's commit until the version is visible in the channel.",
    ["channel"],
    buckets=LATENCY_BUCKETS,
)
scheduled = Gauge("tongyuan_scheduled_entries", "Entries that do not take effect yet.", ["channel"])
scheduled_overdue = Gauge(
    "tongyuan_scheduled_overdue_seconds",
    "Time since the oldest version that should be in effect and is not shown; 0: none.",
    ["channel"],
)
sets_waiting = Gauge("tongyuan_channel_sets_waiting", "Sets that are not complete in a channel.", ["channel"])
kiosk_screens = Gauge("tongyuan_kiosk_screens", "Screens of the hall by state.", ["state"])
kiosk_copies = Gauge(
    "tongyuan_kiosk_copies", "Enrolled screens by what they keep for a time without network.", ["copy"]
)
stream_clients = Gauge("tongyuan_stream_clients", "Open event streams.", ["channel"])
stream_evictions = Counter(
    "tongyuan_stream_evictions_total", "Event streams closed because the client did not read.", ["channel"]
)
lookups = Counter("tongyuan_case_lookups_total", "Case look-ups.", ["channel", "outcome"])
feedback = Counter("tongyuan_feedback_total", "Readers' feedback about guides.", ["channel", "outcome"])
feedback_open = Gauge("tongyuan_guide_feedback_open", "Feedback about guides that is neither answered nor closed.")
feedback_waits = Gauge("tongyuan_guide_feedback_waits_seconds", "Age of the oldest open feedback.")
calendar_missing = Gauge(
    "tongyuan_calendar_missing_cases", "Open cases with days in a year without a holiday notice: they are provisional."
)
subscription_log = Gauge("tongyuan_subscription_log_position", "Position of the newest event for subscribers.")
subscription_log_halted = Gauge(
    "tongyuan_subscription_log_halted", "1 while the ledger is not the one that subscribers were told of."
)
subscription_passed_over = Counter(
    "tongyuan_subscription_passed_over_total", "Entries of the ledger that no subscriber may read."
)
webhooks = Gauge("tongyuan_webhooks", "Webhooks by state.", ["state"])
webhooks_standing = Gauge("tongyuan_webhooks_standing", "Webhooks with something due and nothing delivered for 30 s.")
webhook_oldest = Gauge("tongyuan_webhook_oldest_seconds", "Age of the oldest delivery of a webhook that stands still.")
webhook_calls = Counter("tongyuan_webhook_calls_total", "Calls of webhooks, and what became of them.", ["outcome"])
webhook_pruned = Counter("tongyuan_webhook_pruned_total", "What the delivery log has removed by its age.", ["part"])
amqp_queues = Gauge("tongyuan_amqp_queues", "Queues of integrators with something wrong for 30 s.", ["trouble"])
amqp_waiting = Gauge("tongyuan_amqp_waiting_messages", "Messages that wait in all queues of integrators.")
hook_calls = Counter("tongyuan_hook_calls_total", "Webhook calls to subscribers of cases.", ["outcome"])
disk_free = Gauge("tongyuan_disk_free_bytes", "Free space where this process writes.")
disk_size = Gauge("tongyuan_disk_size_bytes", "Size of the disk where this process writes.")
http_requests = Counter("tongyuan_http_requests_total", "Requests answered.", ["service", "method", "status"])
http_connections = Gauge("tongyuan_http_connections", "Open connections.")
http_cut = Counter(
    "tongyuan_http_cut_total", "Connections that the server closed and requests that it refused.", ["reason"]
)
http_bytes = Gauge("tongyuan_http_bytes_in_flight", "Bytes held for requests and responses, by pool.", ["pool"])
http_duration = Histogram("tongyuan_http_request_duration_seconds", "Time until the response is complete.", ["service"])
imported_rows = Counter("tongyuan_imported_rows_total", "Rows of imports by outcome.", ["source", "outcome"])
