-- What the last test of the model found its endpoint to be able to do; null when it was not tested since it was changed.
alter table models add column capabilities jsonb;
