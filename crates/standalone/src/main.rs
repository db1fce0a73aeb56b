//! The program `sluice`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use sluice_service::{Env, exit_code, telemetry};
use sluice_standalone::{
    DataFolder, EvalOptions, NewUser, add_user, delete_user, doctor, eval, list_users, set_password, unlock_user, up,
};

/// Turns documents into checked, structured data.
#[derive(Debug, Parser)]
#[command(name = "sluice", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs everything in one process until Ctrl-C.
    Up,
    /// Brings the database to this version's schema.
    Migrate,
    /// Manages users.
    #[command(subcommand)]
    User(UserCommand),
    /// Says what is missing on this machine and how to get it.
    Doctor,
    /// Runs documents whose right values are known, and reports how much of what is extracted is right.
    Eval(Box<EvalOptions>),
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Adds a user; without --password-stdin a password is made and shown once.
    Add {
        /// Letters, digits, `_` and `-`; 3 to 50 of them, a letter first.
        name: String,
        /// Makes the user an admin.
        #[arg(long)]
        admin: bool,
        /// Reads the password from standard input.
        #[arg(long)]
        password_stdin: bool,
        /// Takes a password that is easy to guess.
        #[arg(long)]
        allow_weak_password: bool,
    },
    /// Lists all users.
    List,
    /// Sets another password, which ends all tokens of the user; without --password-stdin one is made and shown once.
    SetPassword {
        /// Whose.
        name: String,
        /// Reads the password from standard input.
        #[arg(long)]
        password_stdin: bool,
        /// Takes a password that is easy to guess.
        #[arg(long)]
        allow_weak_password: bool,
    },
    /// Lets somebody sign in again after too many wrong passwords.
    Unlock {
        /// Whom.
        name: String,
    },
    /// Deletes a user without projects; tokens, API keys and sockets of the user end.
    Delete {
        /// Whom.
        name: String,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    exit_code(run(arguments.command).await)
}

async fn run(command: Command) -> anyhow::Result<()> {
    let mut env = Env::from_process();
    let mut logs = telemetry::Config::read(&mut env);
    if matches!(command, Command::Eval(_)) && env.optional("SLUICE_LOG_LEVEL").is_none() {
        // Its own lines would drown in those of the services, and these end while it looks on.
        "warn,bullmq=error,fred=error".clone_into(&mut logs.filter);
    }
    telemetry::init(&logs);
    let folder = DataFolder::locate(&mut env)?;
    env.finish()?;
    match command {
        Command::Up => up(&folder).await,
        Command::Migrate => {
            let names = sluice_db::migrate::run(&folder.database()?).await?;
            tracing::info!(count = names.len(), names = names.join(", "), "migrations ran");
            Ok(())
        }
        Command::User(command) => manage_users(&folder, command).await,
        Command::Doctor => doctor(&folder).await,
        Command::Eval(options) => eval(&folder, *options).await,
    }
}

async fn manage_users(folder: &DataFolder, command: UserCommand) -> anyhow::Result<()> {
    match command {
        UserCommand::Add { name, admin, password_stdin, allow_weak_password } => {
            add_user(folder, NewUser { name, admin, password_stdin, allow_weak_password }).await
        }
        UserCommand::List => list_users(folder).await,
        UserCommand::SetPassword { name, password_stdin, allow_weak_password } => {
            set_password(folder, &name, (password_stdin, allow_weak_password)).await
        }
        UserCommand::Unlock { name } => unlock_user(folder, &name).await,
        UserCommand::Delete { name } => delete_user(folder, &name).await,
    }
}
