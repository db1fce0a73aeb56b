//! What runs will probably cost, before they are made.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::Value;
use sluice_core::{JobKind, NanoAmount};
use sluice_db::AsyncPgConnection;
use sluice_db::models::estimates::{self, Document, JobEstimate};
use sluice_db::models::jobs::request::{Requested, Wish};
use sluice_db::models::{extractors, models, projects, runs, schemas};
use sluice_extraction::cost::{self, ExtractorPricing, ModelPricing};
use sluice_extraction::estimate::{self, Basis, Estimate, Experience, Plan, PlannedQuestion};
use sluice_extraction::field::FieldPath;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::Result;
use crate::figures::UNKNOWN_CURRENCY;
use crate::routes::projects::budget::{BudgetDto, load_months};
use crate::state::AppState;

/// Manifests that an estimate lists one by one.
const MAX_LISTED: usize = 100;
/// Characters of the instruction that is built in, and of what stands around a document.
const INSTRUCTION_CHARACTERS: usize = 1_500;

/// What runs will probably cost. Nothing was started.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EstimateDto {
    dry_run: bool,
    manifest_count: usize,
    pages: u64,
    input_tokens: u64,
    output_tokens: u64,
    /// Null when it would be paid in several currencies.
    #[schema(value_type = Option<f64>)]
    estimated_cost: Option<NanoAmount>,
    /// Null when nothing would be paid, or in several currencies.
    currency: Option<String>,
    totals_by_currency: Vec<CurrencyEstimate>,
    basis: BasisCounts,
    /// Manifests whose pages are known, so that reading them costs nothing.
    cached_count: usize,
    /// Of the projects that have one.
    budgets: Vec<BudgetCheck>,
    /// The first hundred.
    manifests: Vec<ManifestEstimate>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CurrencyEstimate {
    currency: String,
    #[schema(value_type = f64)]
    text_cost: NanoAmount,
    #[schema(value_type = f64)]
    llm_cost: NanoAmount,
    #[schema(value_type = f64)]
    total_cost: NanoAmount,
}

/// How many manifests were estimated by what.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct BasisCounts {
    /// Their text is known.
    text: usize,
    /// The number of their pages is known.
    pages: usize,
    /// Only the size of their file is known.
    file_size: usize,
}

/// Whether a budget has room.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct BudgetCheck {
    project_id: i32,
    #[serde(flatten)]
    budget: BudgetDto,
    /// Whether the estimate is within what remains, and in the currency of the budget.
    fits: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ManifestEstimate {
    manifest_id: i32,
    pages: u64,
    input_tokens: u64,
    output_tokens: u64,
    #[schema(value_type = f64)]
    text_cost: NanoAmount,
    #[schema(value_type = f64)]
    llm_cost: NanoAmount,
    #[schema(value_type = Option<f64>)]
    total_cost: Option<NanoAmount>,
    currency: Option<String>,
    basis: &'static str,
    cached: bool,
}

/// A manifest and what a run over it will probably take.
#[derive(Debug)]
pub(crate) struct Estimated {
    document: Document,
    estimate: Estimate,
    text_currency: Option<String>,
    llm_currency: Option<String>,
}

/// What plans differ by.
type PlanKey = (Uuid, Option<Uuid>, Option<i32>);

/// Estimates a wish for manifests, in the order of the ids; what does not exist is left out.
pub(crate) async fn estimate_all(
    connection: &mut AsyncPgConnection,
    manifest_ids: &[i32],
    wish: &Wish,
) -> Result<Vec<Estimated>> {
    let documents = estimates::list_documents(connection, manifest_ids, wish).await?;
    let mut plans: HashMap<PlanKey, Plan> = HashMap::new();
    let mut estimated = Vec::with_capacity(documents.len());
    for document in documents {
        let key = (document.llm_model_id, document.text_extractor_id, document.schema_id);
        let plan = match plans.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(plan(connection, &document, wish).await?),
        };
        let whole = |count: Option<i32>| count.and_then(|count| u64::try_from(count).ok());
        let known = estimate::Document {
            size_bytes: u64::try_from(document.file_size_bytes).unwrap_or(0),
            content_type: &document.content_type,
            pages: whole(document.page_count),
            characters: whole(document.text_characters),
            is_read: document.is_read,
        };
        estimated.push(Estimated {
            estimate: estimate::estimate(&known, plan),
            text_currency: plan.extractor.currency().map(str::to_owned),
            llm_currency: plan.question.as_ref().and_then(|question| question.pricing.currency()).map(str::to_owned),
            document,
        });
    }
    Ok(estimated)
}

/// How runs with one model, extractor and schema are made. What is missing costs nothing here and fails the run.
async fn plan(connection: &mut AsyncPgConnection, document: &Document, wish: &Wish) -> Result<Plan> {
    let extractor = match document.text_extractor_id {
        Some(id) => extractors::find(connection, id).await?,
        None => None,
    };
    let pricing = extractor.as_ref().and_then(|extractor| extractor.config.get("pricing")).unwrap_or(&Value::Null);
    let extractor = ExtractorPricing::read(pricing);
    if wish.kind != JobKind::Extraction.as_str() {
        return Ok(Plan { extractor, question: None });
    }
    let model = models::find(connection, document.llm_model_id).await?;
    let schema = match document.schema_id {
        Some(id) => schemas::find(connection, id).await?,
        None => None,
    };
    let (Some(model), Some(schema)) = (model, schema) else {
        return Ok(Plan { extractor, question: None });
    };
    let field = wish.field_name.as_deref().and_then(FieldPath::parse);
    let asked = field.as_ref().map_or_else(|| schema.json_schema.clone(), |field| field.narrow(&schema.json_schema));
    let rules = runs::list_rules(connection, schema.id).await?;
    let rules: usize = rules.iter().map(|rule| rule.rule_config.to_string().len() + rule.field_path.len()).sum();
    let instruction = match wish.prompt_id {
        Some(id) => runs::find_prompt(connection, id).await?,
        None => schema.system_prompt_template.clone(),
    };
    // The schema stands in the instruction, spread over lines, and in the form of the answer.
    let form = asked.to_string().len().saturating_mul(3);
    let settings = schema.validation_settings.as_ref().map_or(0, |settings| settings.to_string().len());
    let characters = instruction.map_or(INSTRUCTION_CHARACTERS, |text| text.len()) + form + rules + settings;
    let key = (document.project_id, schema.id, model.id);
    let seen = estimates::load_experience(connection, key).await?;
    let whole = |count: i64| u64::try_from(count).unwrap_or(0);
    let experience = Experience {
        input_tokens: whole(seen.input_tokens),
        output_tokens: whole(seen.output_tokens),
        prompt_characters: whole(seen.prompt_characters),
        // What whole answers take says nothing of a part.
        pages: if field.is_some() { 0 } else { whole(seen.pages) },
    };
    let question = PlannedQuestion {
        pricing: ModelPricing::read(&model.pricing),
        characters: u64::try_from(characters).unwrap_or(u64::MAX),
        answer_tokens: estimate::answer_tokens(&asked),
        experience,
    };
    Ok(Plan { extractor, question: Some(question) })
}

/// What the new ones of some jobs will probably cost, to be kept with them.
pub(crate) fn of_jobs(requested: &[Requested], estimated: &[Estimated]) -> Vec<JobEstimate> {
    let by_manifest: HashMap<i32, &Estimated> = estimated.iter().map(|one| (one.document.manifest_id, one)).collect();
    let new = requested.iter().filter(|job| job.is_new);
    new.filter_map(|job| {
        let one = by_manifest.get(&job.manifest_id)?;
        let total = one.total();
        Some(JobEstimate {
            job_id: job.job_id,
            text_nano: total.text.0,
            llm_nano: total.llm.0,
            total_nano: total.total.map(|total| total.0),
        })
    })
    .collect()
}

impl Estimated {
    fn total(&self) -> sluice_core::CostBreakdown {
        let Estimate { text, llm, .. } = self.estimate;
        cost::total(text, self.text_currency.as_deref(), llm, self.llm_currency.as_deref())
    }

    /// What would be paid in which currency: text, then model.
    fn parts(&self) -> [(&str, NanoAmount, NanoAmount); 2] {
        [
            (self.text_currency.as_deref().unwrap_or(UNKNOWN_CURRENCY), self.estimate.text, NanoAmount::ZERO),
            (self.llm_currency.as_deref().unwrap_or(UNKNOWN_CURRENCY), NanoAmount::ZERO, self.estimate.llm),
        ]
    }
}

impl EstimateDto {
    /// Estimates a wish and looks at the budgets that it would be paid from.
    pub(crate) async fn load(state: &AppState, manifest_ids: &[i32], wish: &Wish) -> Result<Self> {
        let mut connection = state.connection().await?;
        let estimated = estimate_all(&mut connection, manifest_ids, wish).await?;
        let budgets = check_budgets(state, &mut connection, &estimated).await?;
        Ok(Self::new(&estimated, budgets))
    }

    /// Whether none of the manifests exists.
    pub(crate) const fn is_empty(&self) -> bool {
        self.manifest_count == 0
    }

    fn new(estimated: &[Estimated], budgets: Vec<BudgetCheck>) -> Self {
        let sums = sum(estimated.iter());
        let paid: Vec<CurrencyEstimate> = sums
            .into_iter()
            .map(|(currency, (text_cost, llm_cost))| CurrencyEstimate {
                currency,
                text_cost,
                llm_cost,
                total_cost: text_cost.plus(llm_cost),
            })
            .collect();
        let (estimated_cost, currency) = match paid.as_slice() {
            [] => (Some(NanoAmount::ZERO), None),
            [only] => (Some(only.total_cost), Some(only.currency.clone())),
            _ => (None, None),
        };
        let mut basis = BasisCounts::default();
        for one in estimated {
            match one.estimate.basis {
                Basis::Text => basis.text += 1,
                Basis::Pages => basis.pages += 1,
                Basis::FileSize => basis.file_size += 1,
            }
        }
        let total =
            |count: fn(&Estimate) -> u64| estimated.iter().map(|one| count(&one.estimate)).fold(0, u64::saturating_add);
        Self {
            dry_run: true,
            manifest_count: estimated.len(),
            pages: total(|estimate| estimate.pages),
            input_tokens: total(|estimate| estimate.usage.input_tokens),
            output_tokens: total(|estimate| estimate.usage.output_tokens),
            estimated_cost,
            currency,
            totals_by_currency: paid,
            basis,
            cached_count: estimated.iter().filter(|one| one.document.is_read).count(),
            budgets,
            manifests: estimated.iter().take(MAX_LISTED).map(ManifestEstimate::from).collect(),
        }
    }
}

impl From<&Estimated> for ManifestEstimate {
    fn from(one: &Estimated) -> Self {
        let total = one.total();
        Self {
            manifest_id: one.document.manifest_id,
            pages: one.estimate.pages,
            input_tokens: one.estimate.usage.input_tokens,
            output_tokens: one.estimate.usage.output_tokens,
            text_cost: total.text,
            llm_cost: total.llm,
            total_cost: total.total,
            currency: total.currency,
            basis: one.estimate.basis.as_str(),
            cached: one.document.is_read,
        }
    }
}

/// Text and model by currency; what is free names none.
fn sum<'a>(estimated: impl Iterator<Item = &'a Estimated>) -> BTreeMap<String, (NanoAmount, NanoAmount)> {
    let mut sums: BTreeMap<String, (NanoAmount, NanoAmount)> = BTreeMap::new();
    for (currency, text, llm) in estimated.flat_map(Estimated::parts) {
        if text.plus(llm) > NanoAmount::ZERO {
            let sum = sums.entry(currency.to_owned()).or_default();
            *sum = (sum.0.plus(text), sum.1.plus(llm));
        }
    }
    sums
}

async fn check_budgets(
    state: &AppState,
    connection: &mut AsyncPgConnection,
    estimated: &[Estimated],
) -> Result<Vec<BudgetCheck>> {
    let mut by_project: BTreeMap<i32, Vec<&Estimated>> = BTreeMap::new();
    for one in estimated {
        by_project.entry(one.document.project_id).or_default().push(one);
    }
    let ids: Vec<i32> = by_project.keys().copied().collect();
    let months = load_months(connection, &ids, state.clock.now()).await?;
    let mut checks = Vec::new();
    for (project_id, estimated) in by_project {
        let Some(project) = projects::find(connection, project_id).await? else { continue };
        let Some(budget) = BudgetDto::new(&project, &months) else { continue };
        let sums = sum(estimated.into_iter());
        let fits = sums.iter().all(|(currency, (text, llm))| budget.has_room(currency, text.plus(*llm)));
        checks.push(BudgetCheck { project_id, budget, fits });
    }
    Ok(checks)
}
