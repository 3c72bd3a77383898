-- What each order has allocated of which stock item: for comparing it with what the items have allocated. An order that
-- was cancelled has nothing. In the order in which an item lists its allocations, so both are read side by side.
create table order_items (
  store text not null,
  item text not null,
  order_id text not null,
  quantity integer not null,
  primary key (store, item, order_id)
) without rowid;

-- The items of one order, for replacing them with its newer version.
create index order_items_by_order on order_items (store, order_id);

-- Orders that were recorded before this table was: their purchases are asked for their items, some at a time.
alter table orders add column has_items integer not null default 0;
create index orders_without_items on orders (store, order_id) where has_items = 0;
