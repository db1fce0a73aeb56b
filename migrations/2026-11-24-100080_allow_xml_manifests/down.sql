-- Files in XML can't be told apart by the older check; they go.
delete from manifests where file_type = 'xml';
alter table manifests drop constraint manifests_file_type_check;
alter table manifests add constraint manifests_file_type_check check (file_type in ('pdf', 'image'));
