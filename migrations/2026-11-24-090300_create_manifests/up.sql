create table manifests (
  id serial primary key,
  group_id integer not null references groups on delete cascade,
  -- Where the file is in storage: an opaque key, never derived from a user's file name.
  storage_key text not null unique,
  -- The name that clients of the original know: `<uuid>-<original name>`.
  filename text not null,
  original_filename text not null,
  file_size_bytes bigint not null check (file_size_bytes > 0),
  file_type text not null check (file_type in ('pdf', 'image')),
  content_type text not null,
  content_sha256 text not null check (content_sha256 ~ '^[0-9a-f]{64}$'),
  status text not null default 'pending'
    check (status in ('pending', 'processing', 'completed', 'partial', 'failed')),
  extracted_data jsonb,
  confidence double precision,
  purchase_order text,
  invoice_date date,
  department text,
  human_verified boolean not null default false,
  validation_results jsonb,
  ocr_result jsonb,
  ocr_processed_at timestamptz,
  ocr_quality_score integer check (ocr_quality_score between 0 and 100),
  -- Costs of the last run in units of 1e-9 of the currency.
  text_cost_nano bigint,
  llm_cost_nano bigint,
  extraction_cost_nano bigint,
  extraction_cost_currency text,
  text_extractor_id uuid references extractors on delete set null,
  -- The highest number that an event of this manifest had, so that numbers do not fall when Redis loses its data.
  last_event_number bigint not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (group_id, content_sha256)
);
-- The list's default order, and its order under the filters that the web client offers.
create index manifests_group_created_at on manifests (group_id, created_at desc, id desc);
create index manifests_group_status on manifests (group_id, status, created_at desc, id desc);
create index manifests_group_verified on manifests (group_id, human_verified, created_at desc, id desc);
create index manifests_group_confidence on manifests (group_id, confidence);
create index manifests_group_ocr_quality on manifests (group_id, ocr_quality_score);
create index manifests_group_cost on manifests (group_id, extraction_cost_nano);
create index manifests_text_extractor_id on manifests (text_extractor_id);
create trigger manifests_updated_at before update on manifests for each row execute function set_updated_at();

-- A signed upload that was asked for and not yet completed.
create table uploads (
  id uuid primary key,
  group_id integer not null references groups on delete cascade,
  user_id integer not null references users on delete cascade,
  storage_key text not null unique,
  original_filename text not null,
  file_size_bytes bigint not null check (file_size_bytes > 0),
  content_type text not null,
  content_sha256 text not null check (content_sha256 ~ '^[0-9a-f]{64}$'),
  expires_at timestamptz not null,
  -- Set when the upload was completed, so that completing it twice answers the same manifest.
  manifest_id integer references manifests on delete set null,
  created_at timestamptz not null default now()
);
create index uploads_expires_at on uploads (expires_at);
create index uploads_group_id on uploads (group_id);

create table operation_logs (
  id serial primary key,
  manifest_id integer not null references manifests on delete cascade,
  -- The log outlives the user who wrote it.
  user_id integer references users on delete set null,
  username text not null,
  action text not null check (action in ('manual_edit', 'human_verified', 'auto_verified')),
  diffs jsonb not null default '[]',
  metadata jsonb,
  created_at timestamptz not null default now()
);
create index operation_logs_manifest_id on operation_logs (manifest_id, created_at desc, id desc);
create index operation_logs_user_id on operation_logs (user_id);
create index operation_logs_created_at on operation_logs (created_at desc, id desc);
