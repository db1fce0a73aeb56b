-- Nothing has written citations before this, so their words may change.
alter table citations drop constraint citations_match_kind_check, drop constraint citations_check;
alter table citations
  add constraint citations_match_kind_check
    check (match_kind in ('exact', 'normalized', 'fuzzy', 'derived', 'not_found')),
  -- Where only the text of a page is known, a value has a page and no box.
  add constraint citations_box_check check (x is null or page_number is not null),
  -- How far the value can be trusted, which is not how sure the reader was of its words; null after a person's edit.
  add column field_confidence double precision,
  -- What speaks against it, for a person.
  add column reasons text[] not null default '{}';

-- Under which settings the pages stand in page_cache that the manifest's text was built from; null when none was read.
alter table manifests add column pages_settings_sha256 text;
