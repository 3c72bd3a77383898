-- What orders owe to the outside (a payment provider, a stock item) and keep failing to do: what a person should look at.
-- Hardly any rows; written by the relay with the order, and gone when it is done.
create table stuck_effects (
  store text not null,
  order_id text not null,
  effect text not null,
  what text not null,
  since integer not null,
  primary key (store, order_id, effect)
) without rowid;
