-- Keys of programs. A key acts as its user inside its one project and nowhere else, and ends with either.
create table api_keys (
  id uuid primary key,
  user_id integer not null references users on delete cascade,
  project_id integer not null references projects on delete cascade,
  name text not null check (name <> ''),
  -- The part that is shown, and that a key is found by.
  prefix text not null unique,
  -- SHA-256 of the whole key. It has 256 random bits, so there is nothing to guess that a slow hash would make slower.
  secret_hash bytea not null check (octet_length(secret_hash) = 32),
  scopes text[] not null check (cardinality(scopes) > 0 and scopes <@ array['read', 'write', 'extract']),
  -- Null: never.
  expires_at timestamptz,
  revoked_at timestamptz,
  -- Written once a minute at most.
  last_used_at timestamptz,
  last_used_ip text,
  created_at timestamptz not null default now()
);
create index api_keys_project_id on api_keys (project_id, created_at desc);
create index api_keys_user_id on api_keys (user_id);
