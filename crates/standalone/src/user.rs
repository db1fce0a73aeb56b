//! Users, who come from here and from nowhere else.

use std::io::{Read, Write};

use anyhow::{Context, Result, bail, ensure};
use secrecy::ExposeSecret;
use sluice_access::Passwords;
use sluice_db::Pool;
use sluice_db::models::users;
use sluice_service::SecretBox;

use crate::data_folder::DataFolder;

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
    let pool = Pool::new(&folder.database()?)?;
    let (password, is_made) = if new.password_stdin {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        (text.trim_end_matches(['\r', '\n']).to_owned(), false)
    } else {
        (make_password()?, true)
    };
    if !new.allow_weak_password {
        check_strength(&password)?;
    }
    let hash = Passwords.hash(&password).await?;
    let role = if new.admin { "admin" } else { "user" };
    let mut connection = pool.get().await.context("the database can't be reached; does sluice up run?")?;
    let user = match users::insert(&mut connection, &new.name, &hash, role).await {
        Ok(user) => user,
        Err(sluice_db::Error::Duplicate { .. }) => bail!("the name {} is taken", new.name),
        Err(sluice_db::Error::Check { .. }) => {
            bail!("a name has 3 to 50 letters, digits, _ and -, a letter first: {:?}", new.name)
        }
        Err(error) => return Err(error.into()),
    };
    let mut out = std::io::stdout();
    writeln!(out, "added {role} {} with the id {}", user.username, user.id)?;
    if is_made {
        writeln!(out, "password: {password}")?;
    }
    Ok(())
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
