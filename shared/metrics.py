"""All metrics of the pipeline. Labels are closed sets: services, lanes, channels; never a key or an address."""

from prometheus_client import Counter, Gauge, Histogram

LATENCY_BUCKETS = (0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600)

released = Counter("tongyuan_releases_total", "Versions released by a source.", ["source", "lane", "op"])
outbox_depth = Gauge("tongyuan_outbox_depth", "Releases not yet confirmed by the next hop.", ["service", "lane"])
outbox_age = Gauge("tongyuan_outbox_oldest_age_seconds", "Age of the oldest unconfirmed release.", ["service", "lane"])
relayed = Counter("tongyuan_relayed_total", "Messages confirmed by the next hop.", ["service", "lane"])
relay_failures = Counter("tongyuan_relay_failures_total", "Batches that were not confirmed.", ["service", "lane"])
leading = Gauge("tongyuan_leader", "1 where this process holds the lock of its role.", ["role"])

ledger_position = Gauge("tongyuan_ledger_position", "Position of the newest entry of the ledger.")
ledger_holes = Counter("tongyuan_ledger_version_holes_total", "Versions that were asked for out of turn.")
signer_refuses = Gauge("tongyuan_signer_refuses", "1 while the signer refuses a ledger that went back or forked.")
ledger_damaged = Gauge("tongyuan_ledger_damaged", "Damages of the ledger's own entries and tiles that are not mended.")
ledger_mended = Counter("tongyuan_ledger_mended_total", "Damages that the ledger has mended by itself.", ["part"])
scrub_position = Gauge("tongyuan_ledger_scrub_position", "Entry up to which the ledger has read itself again.")
scrub_finished = Gauge("tongyuan_ledger_scrub_finished_seconds", "Unix time at which it last had read all of it again.")
head_age = Gauge("tongyuan_head_age_seconds", "Age of the newest signed head this process has seen.", ["service"])

position = Gauge("tongyuan_channel_position", "Position up to which a channel has applied the ledger.", ["channel"])
applied = Counter("tongyuan_applied_total", "Entries applied.", ["service", "op"])
duplicates = Counter("tongyuan_duplicates_total", "Entries seen again and ignored.", ["service"])
gaps_healed = Counter("tongyuan_gaps_healed_total", "Gaps filled from upstream over HTTP.", ["service"])
refused = Counter("tongyuan_refused_messages_total", "Messages sent to the dead letters.", ["service", "reason"])
unproven = Counter("tongyuan_unproven_upstream_total", "Entries that upstream sent and could not prove.", ["service"])
drill_success = Gauge("tongyuan_drill_last_success_timestamp_seconds", "When a drill last went well.", ["channel"])
drill_good = Gauge("tongyuan_drill_good", "1 when the newest drill went well.", ["channel"])
drill_seconds = Gauge("tongyuan_drill_seconds", "How long the newest drill took.", ["channel"])
drill_differences = Gauge("tongyuan_drill_differences", "Documents that the newest drill found to differ.", ["channel"])
erased = Counter("tongyuan_erased_bodies_total", "Bodies of cases' entries erased by law.", ["service"])
halted = Gauge("tongyuan_channel_halted", "1 while a channel refuses a ledger that went back or forked.", ["channel"])
head_refused = Counter("tongyuan_head_refused_total", "Heads that a channel did not take.", ["channel", "reason"])
snapshot_refused = Counter(
    "tongyuan_snapshot_refused_total",
    "Snapshots that a starting channel did not take; it read every entry.",
    ["channel"],
)
parked = Gauge("tongyuan_parked_entries", "Entries that a channel could not show, waiting for a person.", ["channel"])
dead_letters = Gauge("tongyuan_dead_letters", "Messages in a dead-letter queue.", ["queue"])
documents = Gauge("tongyuan_documents", "Documents that a channel shows.", ["channel", "kind"])
publication_latency = Histogram(
    "tongyuan_publication_latency_seconds",
    "From the source's commit to visible in the channel.",
    ["channel"],
    buckets=LATENCY_BUCKETS,
)
scheduled = Gauge("tongyuan_scheduled_entries", "Entries waiting for their time of effect.", ["channel"])
kiosk_screens = Gauge("tongyuan_kiosk_screens", "Screens of the hall, by what is known of each.", ["state"])
stream_clients = Gauge("tongyuan_stream_clients", "Open event streams.", ["channel"])
stream_evictions = Counter("tongyuan_stream_evictions_total", "Streams cut because they did not read.", ["channel"])
lookups = Counter("tongyuan_case_lookups_total", "Case look-ups.", ["channel", "outcome"])
feedback = Counter("tongyuan_feedback_total", "What readers said of a guide.", ["channel", "outcome"])
feedback_open = Gauge("tongyuan_guide_feedback_open", "What readers said of guides and nobody has answered or closed.")
feedback_waits = Gauge("tongyuan_guide_feedback_waits_seconds", "How long the oldest of these has waited.")
hook_calls = Counter("tongyuan_hook_calls_total", "Calls to subscribers of a case's progress.", ["outcome"])
http_requests = Counter("tongyuan_http_requests_total", "Requests answered.", ["service", "method", "status"])
http_connections = Gauge("tongyuan_http_connections", "Open connections.")
http_cut = Counter("tongyuan_http_cut_total", "Connections that the server ended, and requests it refused.", ["reason"])
http_bytes = Gauge("tongyuan_http_bytes_in_flight", "Bytes held for callers, by what for.", ["pool"])
http_duration = Histogram("tongyuan_http_request_duration_seconds", "Time to answer.", ["service"])
imported_rows = Counter("tongyuan_imported_rows_total", "Rows of imports.", ["source", "outcome"])
