//! Validation scripts, and checks of data with them. Owners and admins may use them.

mod batch;
mod dto;
pub(crate) mod generate;
mod run;
mod script_set;
mod scripts;
mod trial;

pub(super) use batch::run_validation_batch;
pub(super) use run::run_validation;
pub(super) use scripts::{
    check_validation_script, create_validation_script, delete_validation_script, list_validation_scripts,
    list_validation_scripts_of_project, read_script, show_validation_script, update_validation_script,
};
pub(super) use trial::try_validation_script;
