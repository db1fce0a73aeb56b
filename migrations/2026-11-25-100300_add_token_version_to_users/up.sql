-- A token says which version its user had when it was issued. A higher one here ends all earlier tokens: with a changed
-- password, or when somebody signs out everywhere. Tokens from before the column say none, which counts as 0.
alter table users add column token_version integer not null default 0 check (token_version >= 0);
