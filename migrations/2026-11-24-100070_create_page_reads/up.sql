-- What a job had read anew, page by page: what it pays for, however its attempts end. Pages that were known leave no row.
create table page_reads (
  id bigserial primary key,
  job_id integer not null references jobs on delete cascade,
  page_number integer not null check (page_number > 0),
  -- Whether a page came of it; a model can take tokens and answer none.
  is_page boolean not null,
  input_tokens bigint not null default 0 check (input_tokens >= 0),
  output_tokens bigint not null default 0 check (output_tokens >= 0),
  -- Whether the provider counted the tokens, or we estimated them.
  usage_estimated boolean not null default false,
  read_at timestamptz not null default now()
);
create index page_reads_job on page_reads (job_id);
