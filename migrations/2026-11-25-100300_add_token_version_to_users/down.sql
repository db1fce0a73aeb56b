alter table users drop column token_version;
