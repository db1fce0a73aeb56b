-- Reports ask for the log of a whole project. A manifest never changes its project, so the copy can't go stale.
alter table operation_logs add column project_id integer references projects on delete cascade;

create function set_operation_log_project() returns trigger language plpgsql as $$
begin
  select g.project_id into new.project_id
  from manifests m join groups g on g.id = m.group_id
  where m.id = new.manifest_id;
  return new;
end $$;

-- Writers need not know the column; versions that run beside this one don't.
create trigger operation_logs_project before insert on operation_logs
  for each row execute function set_operation_log_project();

update operation_logs l set project_id = g.project_id
from manifests m join groups g on g.id = m.group_id
where m.id = l.manifest_id and l.project_id is null;
