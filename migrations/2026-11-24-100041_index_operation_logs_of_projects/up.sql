-- The log of a project, page by page.
create index concurrently operation_logs_project_id on operation_logs (project_id, created_at desc, id desc);
