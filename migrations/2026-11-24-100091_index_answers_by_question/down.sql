drop index concurrently llm_calls_answers;
