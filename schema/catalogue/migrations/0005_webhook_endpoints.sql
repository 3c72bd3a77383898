-- The directory of webhook endpoints: which exist, and which an event concerns. The endpoint's object owns the
-- truth of its delivery; types, scopes and status are copies that spare objects needless wake-ups.
create table webhook_endpoints (
  store text not null,
  id text not null,
  -- StoreRef as JSON (fixed at the store's creation): what it takes to reach the object.
  store_ref text not null,
  types text not null,
  scopes text not null,
  status text not null,
  created_at integer not null,
  primary key (store, id)
) without rowid;
