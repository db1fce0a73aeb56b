-- Runs are replayed from the answers of earlier ones.
create index concurrently llm_calls_answers on llm_calls (request_sha256) where response is not null;
