//! A project with its schema, rules and scripts, made in one go.

use std::collections::HashMap;

use actix_web::web::Data;
use serde::Serialize;
use serde_json::{Map, Value};
use sluice_db::models::projects::{self, NewProject, Project, ProjectChanges, ProjectCounts};
use sluice_db::models::schema_rules::{self, NewSchemaRule};
use sluice_db::models::schemas::{self, Schema};
use sluice_db::models::validation_scripts::{self, NewValidationScript};
use sluice_db::{AsyncPgConnection, Error as DbError};
use sluice_extraction::validate;
use sluice_sandbox::ScriptKind;
use utoipa::ToSchema;

use crate::error::{ApiError, Result};
use crate::extract::{Body, Fields, Input, User};
use crate::respond::Created;
use crate::routes::projects::{ProjectDto, ProjectForm};
use crate::routes::schemas::{SchemaDto, new_schema, rules};
use crate::routes::scripts::check_source;
use crate::routes::validation;
use crate::state::AppState;

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
            scripts: fields.children("validationScripts", validation::read_script),
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
        check_source(&state, ScriptKind::Validate, &script.name, &script.script).await?;
    }
    if let Err(errors) = validate::check_schema(&Value::Object(json_schema.clone())) {
        let messages: Vec<String> = errors.into_iter().map(|error| error.message).collect();
        return Err(ApiError::bad_request(format!("Invalid JSON schema: {}", messages.join("; "))));
    }
    let project = project.resolve(&mut *state.connection().await?, identity.user_id.0).await?;
    let plan = Plan { project, json_schema, rules, scripts };
    let made = state.pool.transaction(move |connection| Box::pin(make(connection, plan)));
    let (project, schema) = made.await?;
    let project = ProjectDto::new(project, ProjectCounts::default(), &HashMap::new());
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

/// Its schema has no id yet.
fn read_rule(fields: &mut Fields) -> NewSchemaRule {
    rules::read_rule(fields, 0)
}

fn complete_rule(mut rule: NewSchemaRule) -> Result<NewSchemaRule> {
    rule.field_path = rules::complete_path(rule.field_path, &rule.rule_operator)?;
    Ok(rule)
}
