drop table audit_log;
drop function protect_audit_log();
