drop trigger manifests_values_insert on manifests;
drop trigger manifests_values_delete on manifests;
drop trigger manifests_values_update on manifests;
drop function refill_manifest_values;
drop function fill_manifest_values;
drop function read_truth;
drop function read_moment;
drop function read_number;
drop table manifest_values;
