"""Which fault of docs/reliability.md fires which alert: `test_alerts.py` plants it on a running county."""

from collections.abc import Mapping

PLANTED: Mapping[str, str] = {
    "ProcessDown": "F04",
    "MetricsAbsent": "F59",
    "ScheduledNotShown": "F33",
    "LedgerDiffersFromSources": "F48",
    "SignedHeadOld": "F33",
    "NoLeader": "F05",
    "QueueWithoutConsumer": "F18",
    "ChannelShowsWrong": "F42",
    "HistoryDisputed": "F36",
    "DiskAlmostFull": "F35",
    "DeadLetters": "F26",
    "BrokerNotConfirming": "F08",
    "BackupTooOld": "F60",
    "DrillFailed": "F42",
    "AuditorBlind": "F61",
}
"""Alert → number of the fault."""

_WINDOWS = "its windows are hours and days: promtool plays them"
NOT_PLANTED: Mapping[str, str] = {
    "FreshnessBudgetBurning": _WINDOWS,
    "FreshnessBudgetBurningSlowly": _WINDOWS,
    "ConsistencyBudgetBurning": _WINDOWS,
    "ConsistencyBudgetBurningSlowly": _WINDOWS,
    "DiskFilling": _WINDOWS,
    "CertificateEndsSoon": "this county has no TLS; that the metric tells the end is tested in test_certificates.py",
    "EntriesParked": "no source releases what a channel cannot show; F27 parks entries in one process",
    "LedgerDamaged": "what a county's scrub finds it repairs; F42 damages ledgers in one process",
    "WebhookStandingStill": "F52 has receivers that stand still, in one process",
}
"""Alerts that no fault fires within a test, and why."""
