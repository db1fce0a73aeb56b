-- Costs are added up from the index alone: the rows are wide, with the extracted data beside them.
create index concurrently manifests_costs on manifests (group_id, created_at)
  include (extraction_cost_nano, extraction_cost_currency, text_extractor_id)
  where extraction_cost_nano is not null;
