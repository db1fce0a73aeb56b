-- What people corrected in a project, and how often.
create index concurrently operation_logs_project_action on operation_logs (project_id, action, created_at desc, id desc);
