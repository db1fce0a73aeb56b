-- Wrong passwords, counted for each pair of a name and the network that they came from: who guesses locks out himself, not
-- whom he guesses about. Names that nobody has are counted alike, so that nothing tells them from names that exist; hence
-- no foreign key. Rows are forgotten a day after the last wrong password.
-- `users.failed_login_attempts`, `last_failed_login_at` and `locked_until` still say what happened last, and decide nothing.
create table sign_in_failures (
  username text not null,
  -- An address of version 4, or the first 64 bits of one of version 6.
  network text not null,
  failures integer not null check (failures > 0),
  last_failed_at timestamptz not null,
  locked_until timestamptz,
  primary key (username, network)
);
create index sign_in_failures_last_failed_at on sign_in_failures (last_failed_at);

-- Where somebody has signed in from. While a name is guessed at from many networks, only these are let try.
create table sign_in_networks (
  user_id integer not null references users on delete cascade,
  network text not null,
  last_signed_in_at timestamptz not null,
  primary key (user_id, network)
);
create index sign_in_networks_last_signed_in_at on sign_in_networks (last_signed_in_at);
