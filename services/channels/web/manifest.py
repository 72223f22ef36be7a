"""The manifest of web, which may send readers' feedback on guides and nothing else."""

from contracts.topology import FEEDBACK_EXCHANGE
from services.channels.common_manifest import channel_manifest

MANIFEST = channel_manifest(
    "web", 8091, ("政务服务平台", "service platform"), sends={FEEDBACK_EXCHANGE: r"^[0-9]{12}\.feedback\.given$"}
)
