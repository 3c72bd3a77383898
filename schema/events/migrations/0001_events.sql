-- The log: append-only, in commit order. AUTOINCREMENT: readers keep positions as cursors, and a plain key
-- would restart at 1 if retention ever emptied the table.
create table events (
  position integer primary key autoincrement,
  id text not null,
  store text not null,
  subject text not null,
  sequence integer not null,
  type text not null,
  occurred_at integer not null,
  data text not null
);

-- No event twice, and no gap: an append looks its predecessor up here. Retention must keep each subject's last row.
create unique index events_by_subject on events (store, subject, sequence);

-- One store's log in order: the feed, webhook endpoints.
create index events_by_store on events (store, position);

-- Sources whose events contradict the log (a gap, or another event under the same number): a person must look.
create table parked_sources (
  store text not null,
  kind text not null,
  key text not null,
  reason text not null,
  first_at integer not null,
  last_at integer not null,
  times integer not null,
  primary key (store, kind, key)
) without rowid;
