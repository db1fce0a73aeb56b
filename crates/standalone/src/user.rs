//! Users, who come from here and from nowhere else.

use std::io::{Read, Write};

use anyhow::{Context, Result, bail, ensure};
use secrecy::ExposeSecret;
use serde_json::json;
use sluice_access::audit::{self, Action};
use sluice_access::{Actor, Passwords};
use sluice_db::models::users::{self, User};
use sluice_db::models::{projects, sign_ins};
use sluice_db::{AsyncPgConnection, Connection, Pool};
use sluice_service::SecretBox;

use crate::data_folder::DataFolder;

/// Longer lists are cut.
const MAX_LISTED: i64 = 10_000;

/// Who is to be added.
#[derive(Debug)]
pub struct NewUser {
    /// The name.
    pub name: String,
    /// Whether as an admin.
    pub admin: bool,
    /// Whether the password comes from standard input.
    pub password_stdin: bool,
    /// Whether a password may be easy to guess.
    pub allow_weak_password: bool,
}

/// Adds a user.
///
/// # Errors
/// When the name is taken or not allowed, the password is weak, or the database can't be reached.
pub async fn add_user(folder: &DataFolder, new: NewUser) -> Result<()> {
    let Chosen { password, hash, is_made } = choose_password(new.password_stdin, new.allow_weak_password).await?;
    let role = if new.admin { "admin" } else { "user" };
    let mut connection = connect(folder).await?;
    let user = match users::insert(&mut connection, &new.name, &hash, role).await {
        Ok(user) => user,
        Err(sluice_db::Error::Duplicate { .. }) => bail!("the name {} is taken", new.name),
        Err(sluice_db::Error::Check { .. }) => {
            bail!("a name has 3 to 50 letters, digits, _ and -, a letter first: {:?}", new.name)
        }
        Err(error) => return Err(error.into()),
    };
    note(&mut connection, Action::UserCreated, &user).await?;
    let mut out = std::io::stdout();
    writeln!(out, "added {role} {} with the id {}", user.username, user.id)?;
    if is_made {
        writeln!(out, "password: {password}")?;
    }
    Ok(())
}

/// Lists all users.
///
/// # Errors
/// When the database can't be reached.
pub async fn list_users(folder: &DataFolder) -> Result<()> {
    let mut connection = connect(folder).await?;
    let mut out = std::io::stdout();
    for user in users::list(&mut connection, MAX_LISTED).await? {
        let last = user.last_login_at.map_or_else(|| "never".to_owned(), |at| at.to_rfc3339());
        writeln!(out, "{}\t{}\t{}\tlast sign-in {last}", user.id, user.username, user.role)?;
    }
    Ok(())
}

/// Sets another password, which ends the user's tokens.
///
/// # Errors
/// When there is no such user, the password is weak, or the database can't be reached.
pub async fn set_password(
    folder: &DataFolder,
    name: &str,
    (password_stdin, allow_weak_password): (bool, bool),
) -> Result<()> {
    let Chosen { password, hash, is_made } = choose_password(password_stdin, allow_weak_password).await?;
    let mut connection = connect(folder).await?;
    let user = find(&mut connection, name).await?;
    let is_changed = users::change_password(&mut connection, user.id, (&user.password_hash, &hash)).await?;
    ensure!(is_changed, "the password was changed by somebody else at the same moment");
    sign_ins::forget_failures(&mut connection, &user.username, None).await?;
    note(&mut connection, Action::PasswordChanged, &user).await?;
    let mut out = std::io::stdout();
    writeln!(out, "{name} has another password; all tokens have ended")?;
    if is_made {
        writeln!(out, "password: {password}")?;
    }
    Ok(())
}

/// Forgets wrong passwords, so that somebody may sign in again at once.
///
/// # Errors
/// When there is no such user, or the database can't be reached.
pub async fn unlock_user(folder: &DataFolder, name: &str) -> Result<()> {
    let mut connection = connect(folder).await?;
    let user = find(&mut connection, name).await?;
    users::unlock(&mut connection, user.id).await?;
    sign_ins::forget_failures(&mut connection, &user.username, None).await?;
    note(&mut connection, Action::Unlocked, &user).await?;
    writeln!(std::io::stdout(), "{name} may sign in again")?;
    Ok(())
}

/// Deletes a user without projects; their tokens, keys and sockets end.
///
/// # Errors
/// When there is no such user, projects are left, or the database can't be reached.
pub async fn delete_user(folder: &DataFolder, name: &str) -> Result<()> {
    let mut connection = connect(folder).await?;
    let user = find(&mut connection, name).await?;
    // Deleting these takes files along, which is the API's business.
    let count = projects::list_by_owner(&mut connection, user.id).await?.len();
    ensure!(count == 0, "{name} has {count} projects; delete them first");
    users::delete(&mut connection, user.id).await?;
    note(&mut connection, Action::UserDeleted, &user).await?;
    writeln!(std::io::stdout(), "deleted {name}")?;
    Ok(())
}

struct Chosen {
    password: String,
    hash: String,
    /// Whether it was made here and must be told.
    is_made: bool,
}

async fn choose_password(from_stdin: bool, allow_weak: bool) -> Result<Chosen> {
    let (password, is_made) = if from_stdin {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        (text.trim_end_matches(['\r', '\n']).to_owned(), false)
    } else {
        (make_password()?, true)
    };
    if !allow_weak {
        check_strength(&password)?;
    }
    Ok(Chosen { hash: Passwords.hash(&password).await?, password, is_made })
}

async fn connect(folder: &DataFolder) -> Result<Connection> {
    let pool = Pool::new(&folder.database()?)?;
    pool.get().await.context("the database can't be reached; does sluice up run?")
}

async fn find(connection: &mut AsyncPgConnection, name: &str) -> Result<User> {
    users::find_by_name(connection, name).await?.with_context(|| format!("there is no user {name}"))
}

async fn note(connection: &mut AsyncPgConnection, action: Action, user: &User) -> Result<()> {
    let entry = Actor::machine().did(action).to("user", user.id).with(json!({"username": user.username}));
    Ok(audit::record(connection, &entry).await?)
}

/// Adds an admin and answers the password that was made.
pub(crate) async fn add_admin(database: &sluice_db::Config, name: &str) -> Result<String> {
    let password = make_password()?;
    let hash = Passwords.hash(&password).await?;
    let mut connection = Pool::new(database)?.get().await?;
    users::insert(&mut connection, name, &hash, "admin").await?;
    Ok(password)
}

fn make_password() -> Result<String> {
    let key = SecretBox::generate_key()?;
    let letters: String = key.expose_secret().chars().filter(char::is_ascii_alphanumeric).take(20).collect();
    Ok(format!("{letters}-aA1!"))
}

/// The rule that the API has for new passwords.
fn check_strength(password: &str) -> Result<()> {
    let has = |matches: fn(char) -> bool| password.chars().any(matches);
    let is_long = (8..=128).contains(&password.chars().count());
    let is_mixed = has(|c| c.is_ascii_lowercase()) && has(|c| c.is_ascii_uppercase()) && has(|c| c.is_ascii_digit());
    ensure!(
        is_long && is_mixed && has(|c| "@$!%*?&".contains(c)),
        "a password has 8 to 128 characters, with a small and a capital letter, a digit and one of @$!%*?&"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_passwords_are_strong_and_weak_ones_are_told() {
        check_strength(&make_password().unwrap()).unwrap();
        for weak in ["short1!A", "password", "Password1", "password1!"] {
            assert_eq!(check_strength(weak).is_ok(), weak == "short1!A", "{weak}");
        }
    }
}
