-- The full-text index is rebuilt from CATALOGUE at any time; this table says how far it has followed.
CREATE TABLE search_progress (
  store TEXT PRIMARY KEY,
  position INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
