delete from operation_logs where action in ('truth_saved', 'truth_removed');
alter table operation_logs drop constraint operation_logs_action_check;
alter table operation_logs add constraint operation_logs_action_check
  check (action in ('manual_edit', 'human_verified', 'auto_verified'));
