"""The auditor's metrics. Labels have closed sets of values (channels, surfaces, verdicts), never a key."""

from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 86_400)

checked = Counter("tongyuan_audit_checked_total", "Documents, pages and buckets compared.", ["channel", "surface"])
unequal = Counter(
    "tongyuan_audit_unequal_total", "Comparisons that found a difference, including delays.", ["channel", "verdict"]
)
open_findings = Gauge(
    "tongyuan_audit_open_findings", "Confirmed findings that are not repaired.", ["channel", "verdict"]
)
detect = Histogram(
    "tongyuan_audit_detect_seconds",
    "Time from the last equal comparison, or from when equality was due, to the finding.",
    ["channel"],
    buckets=SECONDS,
)
repair = Histogram(
    "tongyuan_audit_repair_seconds", "Time from the finding to the next equal comparison.", ["channel"], buckets=SECONDS
)
repairs = Counter("tongyuan_audit_repairs_total", "Repairs requested.", ["channel", "repair", "outcome"])
pass_finished = Gauge(
    "tongyuan_audit_pass_finished_seconds",
    "Unix time at which a surface was last read completely.",
    ["channel", "surface"],
)
unreachable = Gauge("tongyuan_audit_unreachable", "1 while a channel does not answer the auditor.", ["channel"])
sources_compared = Gauge("tongyuan_audit_sources_compared", "1 while the ledger is compared with its sources' feeds.")
ledger_position = Gauge("tongyuan_audit_ledger_position", "Number of ledger entries that the auditor has read.")
