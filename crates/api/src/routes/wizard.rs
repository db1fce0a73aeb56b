//! A project with its schema, rules and scripts, made in one go.

use actix_web::web::Data;
use serde::Serialize;
use serde_json::{Map, Value};
use sluice_db::models::projects::{self, NewProject, Project, ProjectChanges, ProjectCounts};
use sluice_db::models::schema_rules::{self, NewSchemaRule};
use sluice_db::models::schemas::{self, Schema};
use sluice_db::models::validation_scripts::{self, NewValidationScript};
use sluice_db::{AsyncPgConnection, Error as DbError};
use sluice_extraction::validate;
use utoipa::ToSchema;

use crate::error::{ApiError, Result};
use crate::extract::{Body, Fields, Input, User};
use crate::respond::Created;
use crate::routes::projects::{ProjectDto, ProjectForm};
use crate::routes::schemas::{SchemaDto, new_schema};
use crate::state::AppState;

const RULE_TYPES: [&str; 2] = ["verification", "restriction"];
const RULE_OPERATORS: [&str; 7] =
    ["pattern", "enum", "range_min", "range_max", "length_min", "length_max", "ocr_correction"];
const SEVERITIES: [&str; 2] = ["warning", "error"];

/// All that is made together; rules and scripts do not know their owners yet.
struct Plan {
    project: NewProject,
    json_schema: Map<String, Value>,
    rules: Vec<NewSchemaRule>,
    scripts: Vec<NewValidationScript>,
}

/// All that is asked for.
#[derive(Debug)]
pub(crate) struct WizardForm {
    project: ProjectForm,
    json_schema: Map<String, Value>,
    rules: Vec<NewSchemaRule>,
    scripts: Vec<NewValidationScript>,
}

impl Input for WizardForm {
    fn read(fields: &mut Fields) -> Self {
        Self {
            project: fields.child("project", ProjectForm::read),
            json_schema: fields.object("jsonSchema").required(),
            rules: fields.children("rules", read_rule),
            scripts: fields.children("validationScripts", read_script),
        }
    }
}

/// What was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WizardDto {
    project: ProjectDto,
    schema: SchemaDto,
}

/// POST /projects/wizard
pub(crate) async fn create_with_wizard(
    state: Data<AppState>,
    User(identity): User,
    Body(form): Body<WizardForm>,
) -> Result<Created<WizardDto>> {
    let WizardForm { project, json_schema, rules, scripts } = form;
    let rules = rules.into_iter().map(complete_rule).collect::<Result<_>>()?;
    for script in &scripts {
        check_script(script)?;
    }
    if let Err(errors) = validate::check_schema(&Value::Object(json_schema.clone())) {
        let messages: Vec<String> = errors.into_iter().map(|error| error.message).collect();
        return Err(ApiError::bad_request(format!("Invalid JSON schema: {}", messages.join("; "))));
    }
    let project = project.resolve(&mut *state.connection().await?, identity.user_id.0).await?;
    let plan = Plan { project, json_schema, rules, scripts };
    let made = state.pool.transaction(move |connection| Box::pin(make(connection, plan)));
    let (project, schema) = made.await?;
    let project = ProjectDto::new(project, ProjectCounts::default());
    Ok(Created(WizardDto { project, schema: schema.into() }))
}

async fn make(connection: &mut AsyncPgConnection, plan: Plan) -> std::result::Result<(Project, Schema), DbError> {
    let Plan { project, json_schema, mut rules, mut scripts } = plan;
    let project = projects::insert(connection, &project).await?;
    let schema = schemas::insert(connection, &new_schema(project.id, json_schema)).await?;
    for rule in &mut rules {
        rule.schema_id = schema.id;
    }
    schema_rules::insert_all(connection, &rules).await?;
    for script in &mut scripts {
        script.project_id = project.id;
    }
    validation_scripts::insert_all(connection, &scripts).await?;
    let changes = ProjectChanges { default_schema_id: Some(Some(schema.id)), ..ProjectChanges::default() };
    Ok((projects::update(connection, project.id, &changes).await?, schema))
}

fn read_rule(fields: &mut Fields) -> NewSchemaRule {
    NewSchemaRule {
        schema_id: 0,
        field_path: fields.string("fieldPath").required(),
        rule_type: fields.string("ruleType").one_of(&RULE_TYPES).required(),
        rule_operator: fields.string("ruleOperator").one_of(&RULE_OPERATORS).required(),
        rule_config: Value::Object(fields.object("ruleConfig").optional().unwrap_or_default()),
        error_message: fields.string("errorMessage").optional(),
        priority: fields.integer("priority").within(0, 10).optional().unwrap_or(0),
        enabled: fields.boolean("enabled").optional().unwrap_or(true),
        description: fields.string("description").optional(),
    }
}

/// A correction of what OCR misread may be for all fields; other rules are for one.
fn complete_rule(mut rule: NewSchemaRule) -> Result<NewSchemaRule> {
    if rule.field_path.trim().is_empty() {
        if rule.rule_operator != "ocr_correction" {
            return Err(ApiError::bad_request("fieldPath is required"));
        }
        "*".clone_into(&mut rule.field_path);
    }
    Ok(rule)
}

fn read_script(fields: &mut Fields) -> NewValidationScript {
    NewValidationScript {
        name: fields.string("name").min_length(1).required(),
        description: fields.string("description").optional(),
        project_id: 0,
        script: fields.string("script").required(),
        severity: fields.string("severity").one_of(&SEVERITIES).optional().unwrap_or_else(|| "warning".to_owned()),
        enabled: fields.boolean("enabled").optional().unwrap_or(true),
    }
}

/// A script is called by this name.
fn check_script(script: &NewValidationScript) -> Result<()> {
    let words: Vec<&str> = script.script.split_whitespace().collect();
    let has_function = words
        .windows(2)
        .any(|pair| matches!(pair, ["function", name] if name.starts_with("validate(") || *name == "validate"));
    if has_function {
        Ok(())
    } else {
        Err(ApiError::bad_request(format!("Script {} must have a function validate(extractedData)", script.name)))
    }
}
