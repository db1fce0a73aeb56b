#![doc = include_str!("../README.md")]

mod child;
mod data_folder;
mod doctor;
mod eval;
mod find;
mod servers;
mod settings;
mod up;
mod user;

pub use data_folder::DataFolder;
pub use doctor::doctor;
pub use eval::{EvalOptions, eval};
pub use up::up;
pub use user::{NewUser, add_user, delete_user, list_users, set_password, unlock_user};
