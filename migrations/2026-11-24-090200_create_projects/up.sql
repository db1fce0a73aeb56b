create table projects (
  id serial primary key,
  name text not null check (name <> ''),
  description text,
  user_id integer not null references users on delete cascade,
  default_schema_id integer,
  -- A model in use can't be deleted: the API answers 409.
  llm_model_id uuid not null references models on delete restrict,
  -- Without an extractor a project can be kept and can't extract.
  text_extractor_id uuid references extractors on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index projects_user_id on projects (user_id, id);
create index projects_llm_model_id on projects (llm_model_id);
create index projects_text_extractor_id on projects (text_extractor_id);
create trigger projects_updated_at before update on projects for each row execute function set_updated_at();

create table groups (
  id serial primary key,
  name text not null check (name <> ''),
  project_id integer not null references projects on delete cascade,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index groups_project_id on groups (project_id, id);
create trigger groups_updated_at before update on groups for each row execute function set_updated_at();

create table schemas (
  id serial primary key,
  name text not null,
  description text,
  project_id integer not null references projects on delete cascade,
  json_schema jsonb not null,
  required_fields text[] not null default '{}',
  system_prompt_template text,
  validation_settings jsonb,
  schema_version text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index schemas_project_id on schemas (project_id, created_at desc, id desc);
create trigger schemas_updated_at before update on schemas for each row execute function set_updated_at();

alter table projects add constraint projects_default_schema_id_fkey
  foreign key (default_schema_id) references schemas on delete set null;
create index projects_default_schema_id on projects (default_schema_id);

create table schema_rules (
  id serial primary key,
  schema_id integer not null references schemas on delete cascade,
  field_path text not null check (field_path <> ''),
  rule_type text not null check (rule_type in ('verification', 'restriction')),
  rule_operator text not null check (rule_operator in
    ('pattern', 'enum', 'range_min', 'range_max', 'length_min', 'length_max', 'ocr_correction')),
  rule_config jsonb not null default '{}',
  error_message text,
  priority integer not null default 0 check (priority between 0 and 10),
  enabled boolean not null default true,
  description text,
  created_at timestamptz not null default now()
);
create index schema_rules_schema_id on schema_rules (schema_id, priority desc, created_at desc, id desc);

create table validation_scripts (
  id serial primary key,
  name text not null check (name <> ''),
  description text,
  project_id integer not null references projects on delete cascade,
  script text not null,
  severity text not null default 'warning' check (severity in ('warning', 'error')),
  enabled boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index validation_scripts_project_id on validation_scripts (project_id, created_at desc, id desc);
create trigger validation_scripts_updated_at before update on validation_scripts
  for each row execute function set_updated_at();

create table export_scripts (
  id serial primary key,
  name text not null check (name <> ''),
  description text,
  project_id integer not null references projects on delete cascade,
  script text not null,
  enabled boolean not null default true,
  priority integer not null default 0 check (priority between -1000 and 1000),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index export_scripts_project_id on export_scripts (project_id, priority desc, id);
create trigger export_scripts_updated_at before update on export_scripts
  for each row execute function set_updated_at();
