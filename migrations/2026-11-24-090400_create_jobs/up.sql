create table jobs (
  id serial primary key,
  manifest_id integer not null references manifests on delete cascade,
  kind text not null check (kind in ('extraction', 'ocr')),
  status text not null default 'pending'
    check (status in ('pending', 'processing', 'completed', 'failed', 'canceled')),
  -- Derived from the id, so that a queue job leads back to its row and adding it twice is harmless.
  queue_job_id text not null generated always as ('job-' || id) stored unique,
  -- Who asked, for lists of one's own jobs.
  user_id integer references users on delete set null,
  request_id text,
  -- Options of the run. A model, extractor or prompt that was deleted meanwhile fails the job, and the history keeps the row.
  schema_id integer references schemas on delete set null,
  schema_version text,
  llm_model_id uuid references models on delete set null,
  text_extractor_id uuid references extractors on delete set null,
  prompt_id integer references prompts on delete set null,
  field_name text,
  -- The status that the manifest had before, which a cancellation gives back.
  previous_manifest_status text check (previous_manifest_status in ('pending', 'completed', 'partial', 'failed')),
  progress smallint not null default 0 check (progress between 0 and 100),
  -- Attempts begun. PERSIST writes only while this is still the number that its attempt began with.
  attempt_count integer not null default 0 check (attempt_count >= 0),
  error_message text,
  error_code text,
  error_stage text,
  cancel_requested_at timestamptz,
  cancel_reason text,
  canceled_at timestamptz,
  started_at timestamptz,
  completed_at timestamptz,
  -- Costs in units of 1e-9 of the currency.
  text_estimated_cost_nano bigint,
  text_actual_cost_nano bigint,
  llm_estimated_cost_nano bigint,
  llm_actual_cost_nano bigint,
  estimated_cost_nano bigint,
  actual_cost_nano bigint,
  cost_currency text,
  llm_input_tokens integer,
  llm_output_tokens integer,
  pages_processed integer,
  system_prompt text,
  user_prompt text,
  assistant_response text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check ((status in ('completed', 'failed', 'canceled')) = (completed_at is not null))
);
create index jobs_manifest_id on jobs (manifest_id, created_at desc, id desc);
create index jobs_created_at on jobs (created_at desc, id desc);
-- The sweeper looks at what has not ended.
create index jobs_open on jobs (updated_at) where status in ('pending', 'processing');
create index jobs_status on jobs (status, created_at desc, id desc);
create trigger jobs_updated_at before update on jobs for each row execute function set_updated_at();

-- Checkpoints: the finished stages of a job, so that a later attempt goes on behind them. What cost something is kept by
-- its content, in page_cache and llm_calls; the output here says which.
create table job_stages (
  job_id integer not null references jobs on delete cascade,
  stage text not null check (stage in ('LOAD', 'TEXT_EXTRACT', 'LLM_EXTRACT', 'VALIDATE', 'PERSIST', 'EMIT')),
  attempt integer not null check (attempt > 0),
  output jsonb not null,
  started_at timestamptz not null,
  finished_at timestamptz not null,
  primary key (job_id, stage)
);

-- One row a call of a language model, also of those that failed: what was paid is counted.
create table llm_calls (
  id bigserial primary key,
  job_id integer not null references jobs on delete cascade,
  attempt integer not null check (attempt > 0),
  call_number integer not null check (call_number > 0),
  -- SHA-256 of the request's body; a run can be replayed from these rows.
  request_sha256 text not null,
  -- The reply as it came, null when there was none.
  response text,
  finish_reason text,
  error_message text,
  input_tokens integer,
  output_tokens integer,
  -- Whether the provider counted the tokens, or we estimated them.
  usage_estimated boolean not null default false,
  cost_nano bigint,
  cost_currency text,
  started_at timestamptz not null,
  finished_at timestamptz not null,
  unique (job_id, attempt, call_number)
);
create index llm_calls_request on llm_calls (job_id, request_sha256);

-- Pages that were read, by content and settings: a second run or project pays nothing for them.
create table page_cache (
  -- SHA-256 of the file, and of the extractor's type and settings.
  file_sha256 text not null,
  settings_sha256 text not null,
  page_number integer not null check (page_number > 0),
  page jsonb not null,
  size_bytes integer not null check (size_bytes >= 0),
  created_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  primary key (file_sha256, settings_sha256, page_number)
);
create index page_cache_last_used_at on page_cache (last_used_at);

-- Where on the page each extracted value is printed.
create table citations (
  id bigserial primary key,
  manifest_id integer not null references manifests on delete cascade,
  job_id integer not null references jobs on delete cascade,
  -- Dot path of the value, array indexes as segments.
  path text not null,
  page_number integer check (page_number > 0),
  -- In the page's units from its top left corner; null when the value was not found.
  x real, y real, width real, height real,
  match_kind text not null check (match_kind in ('exact', 'normalised', 'fuzzy', 'derived', 'not_found')),
  matched_text text,
  confidence real,
  check ((page_number is null) = (x is null))
);
create index citations_manifest_id on citations (manifest_id, path);
create index citations_job_id on citations (job_id);
