-- Pictures of pages, drawn when first asked for and kept in storage.
create table page_images (
  manifest_id integer not null references manifests on delete cascade,
  page_number integer not null check (page_number > 0),
  -- By how many degrees clockwise the page was turned to stand upright in it.
  turned_degrees integer not null,
  storage_key text not null,
  width integer not null check (width > 0),
  height integer not null check (height > 0),
  created_at timestamptz not null default now(),
  primary key (manifest_id, page_number, turned_degrees)
);
