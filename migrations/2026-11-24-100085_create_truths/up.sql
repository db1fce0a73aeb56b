-- What a person says is right for a manifest: evaluations compare extractions with it.
create table truths (
  manifest_id integer primary key references manifests on delete cascade,
  -- For lists of a project. A manifest never changes its project, so the copy can't go stale.
  project_id integer not null references projects on delete cascade,
  data jsonb not null check (jsonb_typeof(data) = 'object'),
  -- The truth outlives the user who saved it.
  saved_by integer references users on delete set null,
  saved_at timestamptz not null default now()
);
create index truths_project_saved_at on truths (project_id, saved_at desc, manifest_id desc);
create index truths_saved_by on truths (saved_by);
