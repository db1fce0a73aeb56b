alter table jobs drop column parked_count, drop column parked_nano, drop column parked_at;
drop table budget_reservations;
drop table budget_months;
alter table projects
  drop constraint projects_budget, drop column budget_nano, drop column budget_currency, drop column budget_period;
