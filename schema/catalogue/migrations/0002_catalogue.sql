-- Products, variants, listings and categories. A product page is one row of `products`; a listing is a range of `listing`.

CREATE TABLE products (
  store TEXT NOT NULL,
  handle TEXT NOT NULL,
  id TEXT NOT NULL,
  status TEXT NOT NULL,
  title TEXT NOT NULL,
  -- Titles by locale, as JSON: what a cart's line needs without the whole document.
  titles TEXT NOT NULL,
  image TEXT,
  tax_category TEXT NOT NULL,
  -- 1, 2, 3, ...: guards the change and its event against a concurrent one.
  revision INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  -- What a listing shows. Stands before the document, so that reading it does not walk the document's pages.
  card TEXT NOT NULL,
  document TEXT NOT NULL,
  PRIMARY KEY (store, handle)
);
CREATE UNIQUE INDEX products_by_id ON products (store, id);

CREATE TABLE variants (
  store TEXT NOT NULL,
  sku TEXT NOT NULL,
  id TEXT NOT NULL,
  handle TEXT NOT NULL,
  title TEXT,
  -- Minor units by currency, as JSON.
  prices TEXT NOT NULL,
  -- [{ item, quantity }] as JSON; empty when the stock is not tracked.
  stock TEXT NOT NULL,
  requires_shipping INTEGER NOT NULL,
  max_per_order INTEGER,
  PRIMARY KEY (store, sku)
) WITHOUT ROWID;
CREATE INDEX variants_of_product ON variants (store, handle);

CREATE TABLE categories (
  store TEXT NOT NULL,
  handle TEXT NOT NULL,
  name TEXT NOT NULL,
  parent TEXT,
  position INTEGER NOT NULL,
  translations TEXT NOT NULL,
  PRIMARY KEY (store, handle)
) WITHOUT ROWID;
CREATE INDEX categories_of_parent ON categories (store, parent);

-- Where a product was put by its editor; ancestors are in `listing` only.
CREATE TABLE product_categories (
  store TEXT NOT NULL,
  category TEXT NOT NULL,
  product_id TEXT NOT NULL,
  PRIMARY KEY (store, category, product_id)
) WITHOUT ROWID;
CREATE INDEX product_categories_of_product ON product_categories (store, product_id);

-- One row for each active product, currency it has a price in, and category it is in, with ancestors; category '' is
-- the whole store. So every page of every listing is one short range of one index.
CREATE TABLE listing (
  store TEXT NOT NULL,
  currency TEXT NOT NULL,
  category TEXT NOT NULL,
  product_id TEXT NOT NULL,
  handle TEXT NOT NULL,
  title_key TEXT NOT NULL,
  -- The least price among its variants in this currency: what is shown, sorted by and filtered on.
  price_min INTEGER NOT NULL,
  PRIMARY KEY (store, currency, category, product_id)
) WITHOUT ROWID;
CREATE INDEX listing_by_price ON listing (store, currency, category, price_min, product_id);
CREATE INDEX listing_by_title ON listing (store, currency, category, title_key, product_id);
CREATE INDEX listing_of_product ON listing (store, product_id);
