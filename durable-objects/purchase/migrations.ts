/** The object's tables, append-only: a migration that was released is never changed. */
export const MIGRATIONS: readonly string[] = [
  `
  -- The cart and the order each stay below the 2 MB that a row may have, so they are two rows.
  create table document (part text primary key, json text not null) without rowid;

  create table attempt (
    number integer primary key,
    key text,
    fingerprint text not null,
    payment text,
    answer text,
    kept_until integer not null
  );

  create table idempotency (
    key text primary key,
    fingerprint text not null,
    answer text not null,
    kept_until integer not null
  ) without rowid;

  create table event (
    outbox integer primary key,
    id text not null,
    type text not null,
    subject text not null,
    sequence integer not null,
    occurred_at integer not null,
    data text not null
  );

  -- How far the log has the events, and which version of the order the record has.
  create table watermark (one integer primary key check (one = 1), confirmed integer not null, recorded integer not null);
  insert into watermark (one, confirmed, recorded) values (1, 0, 0);
  `,
]
