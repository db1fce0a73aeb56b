-- What a project may spend in a period; all three are null when nobody has set a limit.
alter table projects
  add column budget_nano bigint check (budget_nano >= 0),
  add column budget_currency text check (budget_currency <> ''),
  add column budget_period text check (budget_period in ('month')),
  add constraint projects_budget check (
    (budget_nano is null) = (budget_currency is null) and (budget_nano is null) = (budget_period is null));

-- What a project has spent in a month, and what calls that are under way may still cost. Kept for projects without a
-- limit too, so that one that is set in the middle of a month knows what was spent before. Amounts in units of 1e-9.
create table budget_months (
  project_id integer not null references projects on delete cascade,
  -- The first day, by UTC.
  month date not null,
  currency text not null,
  reserved_nano bigint not null default 0 check (reserved_nano >= 0),
  spent_nano bigint not null default 0 check (spent_nano >= 0),
  primary key (project_id, month, currency)
);

-- One row a call that is under way: the most that it may cost.
create table budget_reservations (
  id bigserial primary key,
  project_id integer not null,
  month date not null,
  currency text not null,
  -- No foreign key: a job that is deleted in the middle of a call must not take along what its month still counts.
  job_id integer not null,
  amount_nano bigint not null check (amount_nano > 0),
  -- When its worker must be taken for dead.
  expires_at timestamptz not null,
  foreign key (project_id, month, currency) references budget_months on delete cascade
);
create index budget_reservations_job_id on budget_reservations (job_id);
create index budget_reservations_expires_at on budget_reservations (expires_at);

alter table jobs
  -- Attempts that ended because the budget was used up; they are not counted as failed.
  add column parked_count integer not null default 0 check (parked_count >= 0),
  -- The most that the call may cost for which there was no room; null when the job does not wait for room.
  add column parked_nano bigint check (parked_nano > 0),
  add column parked_at timestamptz;

insert into budget_months (project_id, month, currency, spent_nano)
select project_id, date_trunc('month', now() at time zone 'UTC')::date, currency, sum(cost)::bigint
from (
  select j.project_id, c.cost_currency as currency, c.cost_nano as cost
  from llm_calls c join jobs j on j.id = c.job_id
  where c.finished_at >= date_trunc('month', now() at time zone 'UTC') at time zone 'UTC'
  union all
  select project_id, cost_currency, text_actual_cost_nano from jobs
  where completed_at >= date_trunc('month', now() at time zone 'UTC') at time zone 'UTC') as paid
where currency is not null and cost > 0
group by project_id, currency;
