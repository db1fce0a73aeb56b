-- How much text a manifest has, so that what a run costs can be estimated without reading the text; null until it is read.
alter table manifests
  add column page_count integer check (page_count >= 0),
  add column text_characters integer check (text_characters >= 0);
