//! LOAD: reads all that the job needs and checks that it fits together.
//!
//! - **Reads** job, manifest, project, schema, rules, model, extractor, prompt; the file's size in storage.
//! - **Writes** the manifest's status `processing`.
//! - **Fails when** something is missing, inactive or of the wrong kind: at once, trying again changes nothing.
//! - **Safe to repeat because** it changes nothing that it has not changed before.

use serde_json::{Value, json};
use sluice_core::ports::ObjectStore;
use sluice_core::{FileFormat, OcrMode, ReadOptions, StageName};
use sluice_db::AsyncPgConnection;
use sluice_db::models::extractors::Extractor;
use sluice_db::models::jobs::Job;
use sluice_db::models::manifests::{Manifest, verified};
use sluice_db::models::projects::Project;
use sluice_db::models::schemas::Schema;
use sluice_db::models::{extractors, groups, manifests, models, projects, runs, schemas};
use sluice_extraction::cost::{ExtractorPricing, ModelPricing};
use sluice_extraction::field::FieldPath;
use sluice_extraction::prompt::{Example, Rule};
use sluice_llm::Endpoint;
use sluice_remote_extractors::{paddle_ocr, vision};
use sluice_service::SecretBox;
use uuid::Uuid;

use crate::error::StageError;
use crate::pipeline::{Stage, StageContext};
use crate::state::{ExtractionSettings, FieldTask, Loaded, ReaderSettings, RemoteReader};
use crate::wiring::Ports;

/// Verified documents that a prompt shows at most.
const MAX_EXAMPLES: u64 = 3;

#[derive(Debug)]
pub(crate) struct Load(pub(crate) Ports);

impl Stage for Load {
    const NAME: StageName = StageName::Load;
    type In = Job;
    type Out = Loaded;

    async fn run(&self, job: Job, context: &StageContext) -> Result<Loaded, StageError> {
        let mut connection = self.0.pool.get().await?;
        let manifest = manifests::find(&mut connection, job.manifest_id).await?;
        let manifest =
            manifest.ok_or_else(|| StageError::not_found(format!("Manifest {} not found", job.manifest_id)))?;
        let project = load_project(&mut connection, &manifest).await?;
        let is_extraction = job.kind == "extraction";
        let extraction = if is_extraction {
            Some(self.load_extraction(&mut connection, &job, (&project, &manifest)).await?)
        } else {
            None
        };
        let extractor_id = job.text_extractor_id.or(project.text_extractor_id);
        let reader = load_reader(&mut connection, extractor_id, is_extraction, &self.0.secrets).await?;
        if is_extraction {
            runs::start_manifest(&mut connection, context.attempt).await?;
        }
        drop(connection);
        let format = self.check_file(&manifest).await?;
        Ok(Loaded { manifest, format, reader, extraction })
    }

    fn checkpoint(output: &Loaded) -> Value {
        json!({"fileSha256": output.manifest.content_sha256})
    }
}

async fn load_project(connection: &mut AsyncPgConnection, manifest: &Manifest) -> Result<Project, StageError> {
    let missing = || StageError::invalid("The manifest's project is missing");
    let group = groups::find(connection, manifest.group_id).await?.ok_or_else(missing)?;
    projects::find(connection, group.project_id).await?.ok_or_else(missing)
}

async fn load_reader(
    connection: &mut AsyncPgConnection,
    id: Option<Uuid>,
    uses_cache: bool,
    secrets: &SecretBox,
) -> Result<ReaderSettings, StageError> {
    let id = id.ok_or_else(|| StageError::invalid("Project text extractor is required for extraction"))?;
    let extractor = extractors::find(connection, id).await?;
    let extractor = extractor.ok_or_else(|| StageError::not_found(format!("Extractor {id} not found")))?;
    if !extractor.is_active {
        return Err(StageError::invalid(format!("Extractor {} is inactive", extractor.name)));
    }
    let mut options = read_options(&extractor)?;
    // A job that only reads text was asked to read it anew; a page's picture is then what counts.
    if !uses_cache && options.ocr == OcrMode::Auto && extractor.extractor_type == "tesseract" {
        options.ocr = OcrMode::Force;
    }
    Ok(ReaderSettings {
        extractor_id: extractor.id,
        pricing: ExtractorPricing::read(extractor.config.get("pricing").unwrap_or(&Value::Null)),
        remote: remote_reader(&extractor, secrets)?,
        uses_embedded_invoice: extractor.config.get("useEmbeddedInvoice") != Some(&Value::Bool(false)),
        extractor_type: extractor.extractor_type,
        options,
    })
}

/// The settings of the extractor types that read files themselves.
fn read_options(extractor: &Extractor) -> Result<ReadOptions, StageError> {
    let config = &extractor.config;
    let text = |key: &str| config.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let defaults = ReadOptions::default();
    let whole = |key: &str| config.get(key).and_then(Value::as_u64).and_then(|value| u32::try_from(value).ok());
    let languages = |key: &str| {
        text(key).map(|names| {
            let names = names.split(['+', ',']).map(|name| name.trim().to_owned());
            names.filter(|name| !name.is_empty() && name != "auto").collect()
        })
    };
    match extractor.extractor_type.as_str() {
        "local" => Ok(ReadOptions {
            ocr: match text("ocr") {
                Some("force") => OcrMode::Force,
                Some("never") => OcrMode::Never,
                _ => OcrMode::Auto,
            },
            languages: languages("languages").unwrap_or(defaults.languages),
            page_mode: whole("psm").and_then(|mode| u8::try_from(mode).ok()).filter(|mode| *mode != 0),
            max_pages: whole("maxPages").unwrap_or(defaults.max_pages),
        }),
        "tesseract" => Ok(ReadOptions {
            ocr: OcrMode::Force,
            languages: languages("lang").unwrap_or_else(|| ["chi_sim", "eng"].map(str::to_owned).to_vec()),
            page_mode: Some(whole("psm").and_then(|mode| u8::try_from(mode).ok()).unwrap_or(6)),
            max_pages: defaults.max_pages,
        }),
        // What our own reader is asked for before a service reads: sizes, and the text layer.
        "paddleocr" | "vision-llm" => Ok(ReadOptions { ocr: OcrMode::Never, ..defaults }),
        other => Err(StageError::invalid(format!("Extractor type {other} is not supported"))),
    }
}

/// The service that reads, for extractor types that are one.
fn remote_reader(extractor: &Extractor, secrets: &SecretBox) -> Result<Option<RemoteReader>, StageError> {
    let (name, config) = (&extractor.name, &extractor.config);
    let reader = match extractor.extractor_type.as_str() {
        "paddleocr" => paddle_ocr::Settings::read(name, config, secrets).map(RemoteReader::PaddleOcr),
        "vision-llm" => vision::Settings::read(name, config, secrets).map(RemoteReader::Vision),
        _ => return Ok(None),
    };
    reader.map(Some).map_err(StageError::from_error)
}

impl Load {
    async fn load_extraction(
        &self,
        connection: &mut AsyncPgConnection,
        job: &Job,
        (project, manifest): (&Project, &Manifest),
    ) -> Result<ExtractionSettings, StageError> {
        let field = field_task(job, manifest)?;
        let model_id = job.llm_model_id.unwrap_or(project.llm_model_id);
        let model = models::find(connection, model_id).await?;
        let model = model.ok_or_else(|| StageError::not_found(format!("Model {model_id} not found")))?;
        if model.adapter_type != "openai" {
            return Err(StageError::invalid(format!("Model {} is not a valid llm model", model.name)));
        }
        let schema_id = job.schema_id.or(project.default_schema_id);
        let schema_id = schema_id.ok_or_else(|| StageError::invalid("Project schema is required for extraction"))?;
        let schema = schemas::find(connection, schema_id).await?;
        let schema = schema.ok_or_else(|| StageError::not_found(format!("Schema {schema_id} not found")))?;
        let rules = runs::list_rules(connection, schema.id).await?;
        let prompt = match job.prompt_id {
            Some(id) => {
                let text = runs::find_prompt(connection, id).await?;
                Some(text.ok_or_else(|| StageError::not_found(format!("Prompt {id} not found")))?)
            }
            None => None,
        };
        let examples = load_examples(connection, &schema, manifest).await?;
        Ok(ExtractionSettings {
            schema,
            examples,
            rules: rules
                .into_iter()
                .map(|rule| Rule {
                    priority: rule.priority,
                    rule_type: rule.rule_type,
                    operator: rule.rule_operator,
                    field_path: rule.field_path,
                    config: rule.rule_config,
                    message: rule.error_message,
                })
                .collect(),
            prompt,
            endpoint: Endpoint::read(&model.name, &model.parameters, &self.0.secrets)?
                .knowing(model.capabilities.as_ref()),
            pricing: ModelPricing::read(&model.pricing),
            field,
        })
    }

    async fn check_file(&self, manifest: &Manifest) -> Result<FileFormat, StageError> {
        let format = FileFormat::from_content_type(&manifest.content_type);
        let format = format
            .ok_or_else(|| StageError::invalid(format!("Files of type {} are not read", manifest.content_type)))?;
        let stored = self.0.storage.head(&manifest.storage_key).await?;
        let stored = stored.ok_or_else(|| StageError::not_found("The file is not in storage any more"))?;
        if stored.size_bytes == 0 {
            return Err(StageError::invalid("the file is empty"));
        }
        Ok(format)
    }
}

/// What people have verified in other documents of the schema, as many as its settings allow.
async fn load_examples(
    connection: &mut AsyncPgConnection,
    schema: &Schema,
    manifest: &Manifest,
) -> Result<Vec<Example>, StageError> {
    let wanted = schema.validation_settings.as_ref().and_then(|settings| settings.get("examples")?.as_u64());
    let count = i64::try_from(wanted.unwrap_or(MAX_EXAMPLES).min(MAX_EXAMPLES)).unwrap_or(0);
    let rows = verified::list_verified(connection, schema.project_id, schema.id, count + 1).await?;
    let others = rows.into_iter().filter(|row| row.id != manifest.id).take(usize::try_from(count).unwrap_or(0));
    Ok(others.map(|row| Example { text: row.text.unwrap_or_default(), data: row.extracted_data }).collect())
}

/// The field that the job asks for; where there are no data yet that it could be put into, all fields are asked for.
fn field_task(job: &Job, manifest: &Manifest) -> Result<Option<FieldTask>, StageError> {
    let path = job.field_name.as_deref().and_then(FieldPath::parse);
    let (Some(path), Some(data @ Value::Object(_))) = (path, &manifest.extracted_data) else {
        return Ok(None);
    };
    // Found out before the model is paid.
    path.merge(data, Some(Value::Null), None).map_err(|error| StageError::invalid(error.to_string()))?;
    Ok(Some(FieldTask { path, data: data.clone() }))
}
