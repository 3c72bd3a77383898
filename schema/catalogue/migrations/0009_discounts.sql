-- Discounts of a store, by code: the whole rule as one document, since carts take it whole.

CREATE TABLE discounts (
  store TEXT NOT NULL,
  code TEXT NOT NULL,
  -- Given without a code: these are few, and counted.
  is_automatic INTEGER NOT NULL,
  document TEXT NOT NULL,
  PRIMARY KEY (store, code)
) WITHOUT ROWID;

-- Rates of other countries, which a business there accounts for itself.
ALTER TABLE tax_rates ADD COLUMN reverse_charge INTEGER NOT NULL DEFAULT 0;
