//! One file per table: its row and its queries; and `reports`, which add up over tables. Rows are neither wire types nor
//! domain types.

pub mod api_keys;
pub mod audit_log;
pub mod budgets;
pub mod citations;
pub mod estimates;
pub mod export_scripts;
pub mod extractors;
pub mod groups;
pub mod job_stages;
pub mod jobs;
pub mod llm_calls;
pub mod manifests;
#[expect(clippy::module_inception, reason = "the table of language models; files are named after their tables")]
pub mod models;
pub mod operation_logs;
pub mod page_cache;
pub mod page_images;
pub mod page_reads;
pub mod projects;
pub mod prompts;
pub mod reports;
pub mod runs;
pub mod schema_rules;
pub mod schemas;
pub mod sign_ins;
pub mod truths;
pub mod uploads;
pub mod users;
pub mod validation_scripts;
