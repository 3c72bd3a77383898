-- The latest record of each Stock object: bands for shoppers' pages, levels for the staff's consolidated list.
-- Written by the relay, only over an older version, so late and repeated messages change nothing.
create table stock_items (
  store text not null,
  item text not null,
  version integer not null,
  band text not null check (band in ('in_stock', 'low_stock', 'out_of_stock', 'backorder')),
  available_on text,
  on_hand integer not null,
  reserved integer not null,
  allocated integer not null,
  safety_stock integer not null,
  available integer not null,
  backorder_limit integer not null,
  -- JSON array of location codes.
  locations text not null,
  primary key (store, item)
) without rowid;

-- The consolidated list filtered by status, in item order.
create index stock_items_by_band on stock_items (store, band, item);
