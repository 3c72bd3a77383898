-- The last sequence of each subject (product:{handle}, ...). It outlives its subject, so that a product that is
-- deleted and made again goes on counting and the log has neither a gap nor a repeat.
create table subject_heads (
  store text not null,
  subject text not null,
  sequence integer not null,
  primary key (store, subject)
) without rowid;

-- Events of changes in this database, written in the batch of their change and deleted once the log has them.
-- AUTOINCREMENT: a plain key would restart when the table is empty, and `confirm` counts in it.
create table outbox (
  outbox integer primary key autoincrement,
  store text not null,
  id text not null,
  type text not null,
  subject text not null,
  sequence integer not null,
  occurred_at integer not null,
  data text not null
);

-- The unconfirmed run of one store, in order (pull), and what is deleted by its confirmation.
create index outbox_by_store on outbox (store, outbox);
