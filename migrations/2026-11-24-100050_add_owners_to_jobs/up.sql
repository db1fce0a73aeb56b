-- Whose a job is, so that lists and counts of one person's jobs, or of one project's, read their rows through an index
-- and not everybody's. Neither changes: a manifest stays in its group, a group in its project, a project with its owner.
-- There are no foreign keys: the row goes with its manifest.
alter table jobs add column project_id integer, add column owner_id integer;

create function set_job_owner() returns trigger language plpgsql as $$
begin
  select p.id, p.user_id into new.project_id, new.owner_id
  from manifests m join groups g on g.id = m.group_id join projects p on p.id = g.project_id
  where m.id = new.manifest_id;
  if not found then
    raise foreign_key_violation using
      message = format('manifest %s does not exist', new.manifest_id), table = 'jobs', constraint = 'jobs_manifest_id_fkey';
  end if;
  return new;
end $$;
-- In the database, so that the instances of the version before, which know nothing of it, fill the columns too.
create trigger jobs_owner before insert on jobs for each row execute function set_job_owner();

update jobs j set project_id = p.id, owner_id = p.user_id
from manifests m join groups g on g.id = m.group_id join projects p on p.id = g.project_id
where m.id = j.manifest_id;
alter table jobs alter column project_id set not null, alter column owner_id set not null;
