"""The SQL statements of the search index, by dialect: SQLite FTS5 or PostgreSQL tsvector."""

from sqlalchemy import bindparam, text

# Create the index.
CREATE = {
    "sqlite": """
        CREATE VIRTUAL TABLE search USING fts5(
          key UNINDEXED, heads UNINDEXED, name, words, more, pinyin, tokenize = 'unicode61 remove_diacritics 0')
    """,
    "postgresql": """
        CREATE TABLE search (
          key varchar(128) PRIMARY KEY, heads text NOT NULL, name text NOT NULL, words text NOT NULL,
          more text NOT NULL, pinyin text NOT NULL, vector tsvector NOT NULL);
        CREATE INDEX search_vector ON search USING gin (vector)
    """,
}

# Add an item.
ADD = {
    "sqlite": text(
        "INSERT INTO search (rowid, key, heads, name, words, more, pinyin) "
        "VALUES (:number, :key, :heads, :name, :words, :more, :pinyin)"
    ),
    "postgresql": text(
        "INSERT INTO search (key, heads, name, words, more, pinyin, vector) "
        "VALUES (:key, :heads, :name, :words, :more, :pinyin, CAST(:vector AS tsvector))"
    ),
}

# Remove these items.
REMOVE = {
    "sqlite": text("DELETE FROM search WHERE rowid IN :numbers").bindparams(bindparam("numbers", expanding=True)),
    "postgresql": text("DELETE FROM search WHERE key IN :keys").bindparams(bindparam("keys", expanding=True)),
}

# Remove every item.
CLEAR = text("DELETE FROM search")

# The best candidates for a query, in the database's own ranking.
FIND = {
    "sqlite": text(
        "SELECT key, heads, name, words, more, pinyin FROM search WHERE search MATCH :query "
        "ORDER BY bm25(search, 0, 0, 8, 4, 1, 3), key LIMIT :most"
    ),
    "postgresql": text(
        "SELECT key, heads, name, words, more, pinyin FROM search WHERE vector @@ CAST(:query AS tsquery) "
        "ORDER BY ts_rank('{0.05, 0.2, 0.4, 1.0}', vector, CAST(:query AS tsquery)) DESC, key LIMIT :most"
    ),
}
