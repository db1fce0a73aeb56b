-- Who did what that matters to security. Rows are appended and never changed; only the retention job deletes them.
-- There are no foreign keys: what happened stays true when user, project or subject are gone.
create table audit_log (
  id bigserial primary key,
  at timestamptz not null default now(),
  -- Null for a name that nobody has, and for commands on the machine itself.
  user_id integer,
  username text not null,
  -- The part of the key that is shown, when a key acted.
  api_key_prefix text,
  -- A word of a list in the code, which grows without a migration.
  action text not null check (action ~ '^[a-z][a-z_]{2,39}$'),
  subject_kind text,
  subject_id text,
  project_id integer,
  ip text,
  request_id text,
  -- Never secrets.
  details jsonb not null default '{}'
);
create index audit_log_at on audit_log (at);
create index audit_log_user_id on audit_log (user_id, id desc);
create index audit_log_project_id on audit_log (project_id, id desc) where project_id is not null;
create index audit_log_action on audit_log (action, id desc);

-- The retention job says so in its transaction; whatever else tries to rewrite history fails, also by mistake.
create function protect_audit_log() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and current_setting('sluice.audit_retention', true) = 'on' then
    return old;
  end if;
  raise exception 'the audit log is append-only';
end $$;
create trigger audit_log_append_only before update or delete on audit_log
  for each row execute function protect_audit_log();
create trigger audit_log_not_truncated before truncate on audit_log
  for each statement execute function protect_audit_log();
