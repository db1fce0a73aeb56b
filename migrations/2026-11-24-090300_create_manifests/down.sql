drop table operation_logs;
drop table uploads;
drop table manifests;
