-- The values of `manifests.extracted_data`, one row each, so that a list can filter and order by any of them through an
-- index. Kept by triggers alone; nothing else writes here, so there is no foreign key, whose check of every row would cost more
-- than the row. What lies in an array has no row of its own: paths have no indexes.
create table manifest_values (
  manifest_id integer not null,
  group_id integer not null,
  -- Names joined by dots.
  path text not null collate "C",
  -- The value as text, of which an index can hold no more than the beginning.
  text text not null,
  is_cut boolean not null,
  -- The value as what it reads as, null where it does not.
  number numeric,
  -- A time, or the midnight (UTC) that a date begins with.
  moment timestamptz,
  truth boolean,
  primary key (manifest_id, path)
);
create index manifest_values_text on manifest_values (group_id, path, text, manifest_id);
create index manifest_values_cut on manifest_values (group_id, path, manifest_id) where is_cut;
create index manifest_values_number on manifest_values (group_id, path, number, text, manifest_id) where number is not null;
create index manifest_values_moment on manifest_values (group_id, path, moment, text, manifest_id) where moment is not null;
create index manifest_values_truth on manifest_values (group_id, path, truth, text, manifest_id) where truth is not null;

-- Text that can't be read is null, whatever it is: data comes from models. Digits and exponent are bounded, because a
-- number of 1e99999 would fill a page.
create function read_number(value text) returns numeric language sql immutable strict parallel safe as $$
  select case when length(value) <= 100 and value ~ '^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?$' then value::numeric end
$$;

create function read_moment(value text) returns timestamptz
  language plpgsql immutable strict set timezone = 'UTC' as $$
begin
  if length(value) > 40
    or value !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?$' then
    return null;
  end if;
  return value::timestamptz;
exception when data_exception then
  -- The thirtieth of February.
  return null;
end $$;

create function read_truth(value text) returns boolean language sql immutable strict parallel safe as $$
  select case when lower(value) in ('true', '1', 'yes') then true when lower(value) in ('false', '0', 'no') then false end
$$;

-- One row for every value at a path that a list can name (see `data_filter` in the crate `extraction`). In plpgsql, which keeps
-- the plan.
create function fill_manifest_values(manifest_id integer, group_id integer, data jsonb) returns void language plpgsql as $$
begin
  insert into manifest_values (manifest_id, group_id, path, text, is_cut, number, moment, truth)
  with recursive found (path, value) as (
    select member.key, member.value
    from jsonb_each(case jsonb_typeof(data) when 'object' then data else '{}' end) member
    where member.key ~ '^[A-Za-z_][A-Za-z0-9_]*$' and length(member.key) <= 200
    union all
    select found.path || '.' || member.key, member.value
    from found, jsonb_each(found.value) member
    where jsonb_typeof(found.value) = 'object'
      and member.key ~ '^[A-Za-z_][A-Za-z0-9_]*$' and length(found.path) + 1 + length(member.key) <= 200
  )
  select $1, $2, path, left(value, 200), length(value) > 200,
    case when value ~ '^-?[0-9]' then read_number(value) end,
    -- It costs a subtransaction.
    case when value ~ '^[0-9]{4}-' then read_moment(value) end,
    case when length(value) <= 5 then read_truth(value) end
  from (select path, value #>> '{}' as value from found) texts
  where value is not null;
end $$;

create function refill_manifest_values() returns trigger language plpgsql as $$
begin
  if tg_op <> 'INSERT' then
    delete from manifest_values where manifest_id = old.id;
  end if;
  if tg_op <> 'DELETE' and new.extracted_data is not null then
    perform fill_manifest_values(new.id, new.group_id, new.extracted_data);
  end if;
  return null;
end $$;

create trigger manifests_values_insert after insert on manifests for each row
  when (new.extracted_data is not null) execute function refill_manifest_values();
create trigger manifests_values_delete after delete on manifests for each row
  when (old.extracted_data is not null) execute function refill_manifest_values();
create trigger manifests_values_update after update of extracted_data, group_id on manifests for each row
  when (old.extracted_data is distinct from new.extracted_data or old.group_id <> new.group_id)
  execute function refill_manifest_values();

do $$ begin
  perform fill_manifest_values(id, group_id, extracted_data) from manifests where extracted_data is not null;
end $$;
