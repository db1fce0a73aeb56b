//! Who owns what. A project belongs to the user who made it; groups, manifests and schemas belong to their project.

use sluice_core::{ExportScriptId, GroupId, ManifestId, ProjectId, SchemaId, ValidationScriptId};
use sluice_db::AsyncPgConnection;
use sluice_db::models::export_scripts::{self, ExportScript};
use sluice_db::models::groups::{self, Group};
use sluice_db::models::manifests::{self, Manifest};
use sluice_db::models::projects::{self, Project};
use sluice_db::models::schemas::{self, Schema};
use sluice_db::models::validation_scripts::{self, ValidationScript};

use crate::authenticator::Identity;
use crate::error::{Error, Result};

/// Who may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The owner alone.
    Owner,
    /// The owner, and admins.
    OwnerOrAdmin,
}

impl Access {
    /// Whether a project of an owner is open to a caller.
    #[must_use]
    pub fn permits(self, identity: &Identity, (project, owner): (i32, i32)) -> bool {
        let may = identity.user_id.0 == owner || self == Self::OwnerOrAdmin && identity.is_admin;
        may && identity.reaches(project)
    }
}

/// Loads a project that the caller may use.
///
/// # Errors
/// `NoProject` or `ForeignProject`.
pub async fn load_project(
    connection: &mut AsyncPgConnection,
    identity: &Identity,
    access: Access,
    id: ProjectId,
) -> Result<Project> {
    let project = projects::find(connection, id.0).await?.ok_or(Error::NoProject(id))?;
    if access.permits(identity, (project.id, project.user_id)) {
        Ok(project)
    } else {
        Err(Error::ForeignProject { project: id })
    }
}

/// Loads a group that the caller owns.
///
/// # Errors
/// `NoGroup` or `ForeignProject`.
pub async fn load_group(connection: &mut AsyncPgConnection, identity: &Identity, id: GroupId) -> Result<Group> {
    let group = groups::find(connection, id.0).await?.ok_or(Error::NoGroup(id))?;
    load_project(connection, identity, Access::Owner, group.project_id.into()).await?;
    Ok(group)
}

/// Checks that the caller owns a manifest and answers its project.
///
/// # Errors
/// `NoManifest` or `ForeignProject`.
pub async fn check_manifest(
    connection: &mut AsyncPgConnection,
    identity: &Identity,
    id: ManifestId,
) -> Result<ProjectId> {
    let (project, owner) = manifests::find_owner(connection, id.0).await?.ok_or(Error::NoManifest(id))?;
    let is_open = Access::Owner.permits(identity, (project, owner));
    let project = ProjectId(project);
    if is_open { Ok(project) } else { Err(Error::ForeignProject { project }) }
}

/// Loads the manifest whose file is stored under a key, for its owner and for admins.
///
/// # Errors
/// `NoFile` or `ForeignFile`.
pub async fn load_by_file(connection: &mut AsyncPgConnection, identity: &Identity, key: &str) -> Result<Manifest> {
    let (manifest, place) = manifests::find_by_storage_key(connection, key).await?.ok_or(Error::NoFile)?;
    if Access::OwnerOrAdmin.permits(identity, place) { Ok(manifest) } else { Err(Error::ForeignFile) }
}

/// Loads a schema that the caller may use.
///
/// # Errors
/// `NoSchema` or `ForeignProject`.
pub async fn load_schema(
    connection: &mut AsyncPgConnection,
    identity: &Identity,
    access: Access,
    id: SchemaId,
) -> Result<Schema> {
    let schema = schemas::find(connection, id.0).await?.ok_or(Error::NoSchema(id))?;
    load_project(connection, identity, access, schema.project_id.into()).await?;
    Ok(schema)
}

/// Loads a validation script that the caller may use: one of an own project, or any for an admin.
///
/// # Errors
/// `NoValidationScript` or `ForeignProject`.
pub async fn load_validation_script(
    connection: &mut AsyncPgConnection,
    identity: &Identity,
    id: ValidationScriptId,
) -> Result<ValidationScript> {
    let script = validation_scripts::find(connection, id.0).await?.ok_or(Error::NoValidationScript(id))?;
    load_project(connection, identity, Access::OwnerOrAdmin, script.project_id.into()).await?;
    Ok(script)
}

/// Loads an export script that the caller may use: one of an own project, or any for an admin.
///
/// # Errors
/// `NoExportScript` or `ForeignProject`.
pub async fn load_export_script(
    connection: &mut AsyncPgConnection,
    identity: &Identity,
    id: ExportScriptId,
) -> Result<ExportScript> {
    let script = export_scripts::find(connection, id.0).await?.ok_or(Error::NoExportScript(id))?;
    load_project(connection, identity, Access::OwnerOrAdmin, script.project_id.into()).await?;
    Ok(script)
}
