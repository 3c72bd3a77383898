-- Stores, their settings and their keys. Every row begins with its store.

CREATE TABLE stores (
  slug TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  -- Fixed at creation: they decide where the store's objects live.
  jurisdiction TEXT,
  region TEXT,
  default_market TEXT NOT NULL,
  hold_ttl_seconds INTEGER NOT NULL DEFAULT 900,
  capture TEXT NOT NULL DEFAULT 'automatic' CHECK (capture IN ('automatic', 'manual')),
  low_stock_threshold INTEGER NOT NULL DEFAULT 5,
  storefront_url TEXT,
  policies TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL
) WITHOUT ROWID;

-- A hostname belongs to one store in the whole deployment.
CREATE TABLE store_hostnames (
  hostname TEXT PRIMARY KEY,
  store TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX store_hostnames_of_store ON store_hostnames (store);

CREATE TABLE markets (
  store TEXT NOT NULL,
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  countries TEXT NOT NULL,
  currency TEXT NOT NULL,
  locales TEXT NOT NULL,
  prices_include_tax INTEGER NOT NULL,
  PRIMARY KEY (store, code)
) WITHOUT ROWID;

CREATE TABLE locations (
  store TEXT NOT NULL,
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  priority INTEGER NOT NULL,
  PRIMARY KEY (store, code)
) WITHOUT ROWID;

CREATE TABLE tax_rates (
  store TEXT NOT NULL,
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  country TEXT NOT NULL,
  region TEXT,
  tax_category TEXT NOT NULL,
  rate TEXT NOT NULL,
  valid_from TEXT,
  PRIMARY KEY (store, code)
) WITHOUT ROWID;

CREATE TABLE shipping_methods (
  store TEXT NOT NULL,
  code TEXT NOT NULL,
  title TEXT NOT NULL,
  countries TEXT NOT NULL,
  prices TEXT NOT NULL,
  PRIMARY KEY (store, code)
) WITHOUT ROWID;

-- The key itself is nowhere: `key_hash` is its SHA-256.
CREATE TABLE api_keys (
  store TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  scopes TEXT NOT NULL,
  key_hash TEXT NOT NULL UNIQUE,
  created_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  idempotency_key TEXT,
  idempotency_fingerprint TEXT,
  PRIMARY KEY (store, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX api_keys_replay ON api_keys (store, idempotency_key) WHERE idempotency_key IS NOT NULL;

-- The birth of the store that every deployment has (the same state that load-store's birth batch writes).
INSERT INTO stores (slug, name, default_market, created_at)
  VALUES ('default', 'Default store', 'main', unixepoch() * 1000);
INSERT INTO markets (store, code, name, countries, currency, locales, prices_include_tax)
  VALUES ('default', 'main', 'Main', '[]', 'EUR', '["en"]', 1);
INSERT INTO locations (store, code, name, priority) VALUES ('default', 'main', 'Main', 0);
INSERT INTO shipping_methods (store, code, title, countries, prices)
  VALUES ('default', 'standard', 'Standard', '[]', '{"EUR":0}');
