/**
 * The object's tables, append-only: a migration that was released is never changed. Few indexes, because each entry
 * of one is billed as a row written: a reserve writes 4 rows, an allocate or a release 3.
 */
export const MIGRATIONS: readonly string[] = [
  `
  -- The item itself. Not written by reserve, release or allocate, unless the band changes.
  create table item (
    id integer primary key check (id = 1),
    store text not null,
    policy text not null,
    policy_version integer not null,
    store_low_stock_threshold integer not null,
    band text not null,
    confirmed integer not null default 0,
    recorded_version integer not null default 0
  );

  create table position (
    location text not null,
    lot text not null,
    expires_at integer,
    priority integer not null,
    on_hand integer not null check (on_hand >= 0),
    reserved integer not null check (reserved >= 0),
    allocated integer not null check (allocated >= 0),
    safety_stock integer not null,
    primary key (location, lot)
  ) without rowid;

  -- One a purchase. Ended ones stay: they answer repeats and fence off commands that were overtaken.
  create table reservation (
    purchase_id text primary key,
    version integer not null,
    state text not null check (state in ('held', 'allocated', 'released', 'expired')),
    quantity integer not null,
    expires_at integer,
    order_id text,
    shares text not null,
    beyond_hand integer not null,
    since integer not null,
    deallocations text
  ) without rowid;

  create index reservation_due on reservation (expires_at) where state = 'held';
  create index reservation_beyond_hand on reservation (since) where beyond_hand > 0;

  -- The ledger, the outbox and the events: one row is all three. Never updated.
  create table movement (
    sequence integer primary key,
    ulid text not null,
    type text,
    event_type text not null,
    occurred_at integer not null,
    data text not null
  );

  create table command (
    key text primary key,
    fingerprint text not null,
    answer text not null,
    kept_until integer not null
  ) without rowid;

  create index command_by_end on command (kept_until);
  `,
  `
  -- When the band was last told: crossings within a second wait for their turn.
  alter table item add column band_at integer not null default 0;
  -- Movements up to here have left for the log; what they summed up to, by position, as JSON.
  alter table item add column pruned_sequence integer not null default 0;
  alter table item add column pruned_sums text not null default '[]';
  -- Digest of the drift that was last told, so that a sweep tells it once.
  alter table item add column drift text;

  -- Goods on their way: what a supplier will bring, or what another location sent.
  create table arrival (
    reference text primary key,
    kind text not null check (kind in ('supply', 'transfer')),
    location text not null,
    lot text not null,
    quantity integer not null check (quantity > 0),
    expected_at integer,
    expires_at integer
  ) without rowid;

  -- A shipped promise ends as 'fulfilled', and every end has its instant, from which it is forgotten one day.
  -- SQLite cannot change a check, so the table is made anew.
  create table reservation_2 (
    purchase_id text primary key,
    version integer not null,
    state text not null check (state in ('held', 'allocated', 'released', 'expired', 'fulfilled')),
    quantity integer not null,
    expires_at integer,
    order_id text,
    shares text not null,
    beyond_hand integer not null,
    since integer not null,
    commands text,
    ended_at integer
  ) without rowid;
  insert into reservation_2
    select purchase_id, version, state, quantity, expires_at, order_id, shares, beyond_hand, since, deallocations,
           case when state in ('released', 'expired') then max(version, coalesce(expires_at, 0)) end
    from reservation;
  drop table reservation;
  alter table reservation_2 rename to reservation;
  create index reservation_due on reservation (expires_at) where state = 'held';
  create index reservation_beyond_hand on reservation (since) where beyond_hand > 0;
  `,
  `
  -- How far the walk along ended reservations has come: begun anew with each eviction it would never get past the first
  -- few thousand, and those may be orders that are waited for.
  alter table item add column forgotten_after text not null default '';
  `,
]
