alter table manifests drop column page_count, drop column text_characters;
