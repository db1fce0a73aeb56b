create function set_updated_at() returns trigger language plpgsql as $$
begin
  new.updated_at = now();
  return new;
end $$;

create table users (
  id serial primary key,
  username text not null unique check (username ~ '^[a-zA-Z][a-zA-Z0-9_-]{2,49}$'),
  password_hash text not null,
  role text not null default 'user' check (role in ('admin', 'user')),
  failed_login_attempts integer not null default 0 check (failed_login_attempts >= 0),
  last_failed_login_at timestamptz,
  locked_until timestamptz,
  last_login_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create trigger users_updated_at before update on users for each row execute function set_updated_at();
