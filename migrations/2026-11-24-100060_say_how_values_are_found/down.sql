alter table manifests drop column pages_settings_sha256;
delete from citations where match_kind = 'normalized' or (page_number is null) <> (x is null);
alter table citations drop column reasons, drop column field_confidence, drop constraint citations_box_check,
  drop constraint citations_match_kind_check;
alter table citations
  add constraint citations_match_kind_check
    check (match_kind in ('exact', 'normalised', 'fuzzy', 'derived', 'not_found')),
  add constraint citations_check check ((page_number is null) = (x is null));
