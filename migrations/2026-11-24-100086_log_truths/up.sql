-- The log says who saved or removed a truth. Rows that are there fit the longer list too, so they are looked at by a
-- migration of its own, which does not keep writers waiting.
alter table operation_logs drop constraint operation_logs_action_check;
alter table operation_logs add constraint operation_logs_action_check
  check (action in ('manual_edit', 'human_verified', 'auto_verified', 'truth_saved', 'truth_removed')) not valid;
