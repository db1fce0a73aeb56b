-- As for manifests: a job's row carries its prompts.
create index concurrently jobs_costs on jobs (manifest_id, created_at)
  include (actual_cost_nano, text_actual_cost_nano, llm_actual_cost_nano, cost_currency, pages_processed,
           llm_input_tokens, llm_output_tokens, llm_model_id, text_extractor_id)
  where status = 'completed';
