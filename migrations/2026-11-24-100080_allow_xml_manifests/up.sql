-- E-invoices are uploaded as XML too.
alter table manifests drop constraint manifests_file_type_check;
alter table manifests add constraint manifests_file_type_check check (file_type in ('pdf', 'image', 'xml'));
