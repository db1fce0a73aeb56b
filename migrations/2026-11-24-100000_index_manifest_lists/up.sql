-- What a list filters by and would have to look for inside of jsonb.
alter table manifests
  add column has_data boolean not null generated always as (extracted_data is not null) stored,
  add column has_errors boolean not null generated always as (
    case jsonb_typeof(validation_results -> 'errorCount')
      when 'number' then (validation_results ->> 'errorCount')::numeric > 0
      else false
    end
  ) stored;

-- The list's default order, with all columns that it filters by: any filter, and the count of what matches, is answered
-- from this index alone. The second is for those whose keys come from elsewhere.
drop index manifests_group_created_at;
create index manifests_group_created_at on manifests (group_id, created_at desc, id desc)
  include (status, human_verified, confidence, ocr_quality_score, extraction_cost_nano, text_extractor_id, has_data, has_errors);
create index manifests_group_id on manifests (group_id, id)
  include (created_at, status, human_verified, confidence, ocr_quality_score, extraction_cost_nano, text_extractor_id, has_data,
    has_errors);

-- The other orders. Those by a word with few values go on by time: they are the filters of the migrations before this one.
drop index manifests_group_confidence;
drop index manifests_group_ocr_quality;
drop index manifests_group_cost;
create index manifests_group_confidence on manifests (group_id, confidence, id);
create index manifests_group_ocr_quality on manifests (group_id, ocr_quality_score, id);
create index manifests_group_cost on manifests (group_id, extraction_cost_nano, id);
create index manifests_group_original_filename on manifests (group_id, original_filename, id);
create index manifests_group_file_size on manifests (group_id, file_size_bytes, id);
create index manifests_group_file_type on manifests (group_id, file_type, id);
create index manifests_group_ocr_processed_at on manifests (group_id, ocr_processed_at, id);
create index manifests_group_text_extractor on manifests (group_id, text_extractor_id, id);
create index manifests_group_updated_at on manifests (group_id, updated_at, id);

-- A new event number is no change that anybody sees. Without this it would also have to enter every index, many times a job.
drop trigger manifests_updated_at on manifests;
create trigger manifests_updated_at before update on manifests for each row
  when (old.last_event_number is not distinct from new.last_event_number)
  execute function set_updated_at();
