-- How far the sweep that compares stock items with orders and record has come: one row, absent before the first run.
create table reconcile_cursor (
  id integer primary key check (id = 1),
  store text not null,
  item text not null,
  -- The purchase after which the audit of that item goes on; '' when the item is done.
  after text not null
);
