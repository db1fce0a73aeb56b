alter table projects drop constraint projects_default_schema_id_fkey;
drop table export_scripts;
drop table validation_scripts;
drop table schema_rules;
drop table schemas;
drop table groups;
drop table projects;
