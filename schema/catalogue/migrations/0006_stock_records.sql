-- What the consolidated list shows by location, and the records of what moves goods in several Stock objects at once.

-- Before, nothing could be announced.
alter table stock_items add column incoming integer not null default 0;

-- One row for each location that has a position of an item. Written by the relay with the item's row.
create table stock_item_locations (
  store text not null,
  location text not null,
  item text not null,
  -- The item's, repeated here, so that the list by location and status is one range.
  band text not null,
  -- Null for what was recorded before this table was there, until the item's next document.
  on_hand integer,
  reserved integer,
  allocated integer,
  primary key (store, location, item)
) without rowid;
create index stock_item_locations_by_band on stock_item_locations (store, location, band, item);
insert or ignore into stock_item_locations (store, location, item, band)
  select stock_items.store, place.value, stock_items.item, stock_items.band
  from stock_items, json_each(stock_items.locations) as place;

-- Requests under an Idempotency-Key that several objects carry out (batches, transfers, receipts). What was settled
-- when a key came first is kept here, so that the request, cut half-way, is finished by repeating it.
create table stock_requests (
  store text not null,
  key text not null,
  fingerprint text not null,
  -- JSON, by kind of request.
  facts text not null,
  -- The whole answer as JSON, once there is one. A batch has none: each object keeps its own.
  answer text,
  created_at integer not null,
  primary key (store, key)
) without rowid;
create index stock_requests_by_age on stock_requests (created_at);

create table transfers (
  store text not null,
  id text not null,
  source text not null,
  destination text not null,
  reference text,
  note text,
  expected_at integer,
  status text not null check (status in ('in_transit', 'received')),
  created_at integer not null,
  primary key (store, id)
) without rowid;
create index transfers_by_status on transfers (store, status, id);

create table transfer_lines (
  store text not null,
  transfer text not null,
  line integer not null,
  item text not null,
  lot text not null,
  quantity integer not null,
  -- Null until the item's object has answered, and that is known here.
  outcome text check (outcome in ('sent', 'refused')),
  -- Why it was refused, a problem document as JSON.
  problem text,
  -- Sums over the receipts that are done.
  received integer not null default 0,
  missing integer not null default 0,
  primary key (store, transfer, line)
) without rowid;

-- What each receipt says of each line, written before the item's object is asked: a crash between the two leaves a
-- row that is not done, and what is still in transit tells whether it was.
create table transfer_receipts (
  store text not null,
  transfer text not null,
  line integer not null,
  receipt text not null,
  quantity integer not null,
  missing integer not null,
  is_done integer not null default 0,
  created_at integer not null,
  primary key (store, transfer, line, receipt)
) without rowid;
