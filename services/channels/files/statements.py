"""The SQL statements of files."""

from sqlalchemy import text

# Keep a file; another process of this channel may have kept it meanwhile, and its bytes are the same.
KEEP_FILE = text(
    "INSERT INTO file (sha256, size, content) VALUES (:sha256, :size, :content) ON CONFLICT (sha256) DO NOTHING"
)
