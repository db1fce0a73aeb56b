create table models (
  id uuid primary key,
  name text not null check (name <> ''),
  adapter_type text not null,
  description text,
  -- Secrets inside are sealed by the application before they come here.
  parameters jsonb not null default '{}',
  pricing jsonb not null default '{}',
  pricing_history jsonb not null default '[]',
  is_active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index models_created_at on models (created_at desc, id desc);
create trigger models_updated_at before update on models for each row execute function set_updated_at();

create table extractors (
  id uuid primary key,
  name text not null check (name <> ''),
  description text,
  extractor_type text not null,
  config jsonb not null default '{}',
  is_active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index extractors_created_at on extractors (created_at desc, id desc);
create trigger extractors_updated_at before update on extractors for each row execute function set_updated_at();

create table prompts (
  id serial primary key,
  name text not null check (name <> ''),
  type text not null check (type in ('system', 're_extract')),
  content text not null check (content <> ''),
  variables jsonb,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create trigger prompts_updated_at before update on prompts for each row execute function set_updated_at();
