drop trigger operation_logs_project on operation_logs;
drop function set_operation_log_project;
alter table operation_logs drop column project_id;
