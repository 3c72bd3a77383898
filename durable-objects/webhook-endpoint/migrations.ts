/** Append-only: an object of any age is brought up by those it does not have yet. */
export const MIGRATIONS: readonly string[] = [
  `
  -- One row: the endpoint itself.
  create table endpoint (
    one integer primary key check (one = 1),
    id text not null,
    store text not null,
    url text not null,
    types text not null,
    scopes text not null,
    description text not null,
    status text not null,
    disabled_reason text,
    created_at integer not null,
    deleted_at integer,
    -- Log position up to which every event is a row of delivery or was not asked for.
    cursor integer not null,
    failing_since integer,
    -- The last row of outbox that the log has.
    confirmed integer not null default 0
  );

  create table secret (
    number integer primary key,
    value text not null,
    expires_at integer
  );

  -- next_attempt_at: set on the earliest pending delivery of each subject and on no other, so that what is due is one
  -- index range however long the queue behind a failing subject is.
  create table delivery (
    position integer primary key,
    event_id text not null,
    subject text not null,
    sequence integer not null,
    type text not null,
    occurred_at integer not null,
    body text not null,
    state text not null,
    attempts integer not null,
    next_attempt_at integer,
    settled_at integer,
    history text not null
  );
  create index delivery_due on delivery (next_attempt_at) where next_attempt_at is not null;
  create index delivery_pending on delivery (subject, position) where state = 'pending';
  create index delivery_dead on delivery (position) where state = 'dead';

  -- Events of the endpoint itself; one subject, so the row's number is the sequence.
  create table outbox (
    outbox integer primary key autoincrement,
    id text not null,
    type text not null,
    occurred_at integer not null,
    data text not null
  );

  create table idempotency (
    key text primary key,
    fingerprint text not null,
    answer text not null,
    at integer not null
  ) without rowid;
  `,
]
