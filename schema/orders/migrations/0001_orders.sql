-- The queryable record of orders, written by the relay from each purchase's own document. The purchase id inside
-- order_id carries the shard, so a store's orders can be spread over databases without a new key.
-- Every column beside `document` exists for a filter of the staff's list; the document is answered as it is.
create table orders (
  store text not null,
  order_id text not null,
  version integer not null,
  number text not null,
  status text not null,
  payment_status text not null,
  fulfillment_status text not null,
  email text,
  placed_at integer not null,
  document text not null,
  primary key (store, order_id)
) without rowid;

-- The list: newest first. Each filter has the list's own order behind it, so a page reads about as many rows as it shows.
create index orders_by_placed on orders (store, placed_at desc, order_id desc);
create index orders_by_status on orders (store, status, placed_at desc, order_id desc);
create index orders_by_payment_status on orders (store, payment_status, placed_at desc, order_id desc);
create index orders_by_fulfillment_status on orders (store, fulfillment_status, placed_at desc, order_id desc);
create index orders_by_email on orders (store, email, placed_at desc, order_id desc) where email is not null;
create index orders_by_number on orders (store, number, placed_at desc, order_id desc);

-- Which orders hold a SKU: one row for each, in the list's order.
create table order_skus (
  store text not null,
  sku text not null,
  placed_at integer not null,
  order_id text not null,
  primary key (store, sku, placed_at desc, order_id desc)
) without rowid;

-- The SKUs of one order, for replacing them when it is edited.
create index order_skus_by_order on order_skus (store, order_id);
