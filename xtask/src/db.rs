//! Migrations: run, redone, and read back into `crates/db/src/schema.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Subcommand;

use crate::servers::Servers;
use crate::shell::{Shell, root};
use crate::test;

const SCHEMA: &str = "crates/db/src/schema.rs";
const SCRATCH: &str = "xtask_migrations";

/// What to do with the database.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Command {
    /// Empties the database at `SLUICE_DB_URL`, on this machine only, and migrates it.
    Reset,
    /// Writes `crates/db/src/schema.rs` from a migrated scratch database.
    Schema,
}

pub(crate) fn run(shell: &Shell, command: Option<Command>) -> Result<()> {
    test::build(shell)?;
    match command {
        None => check_built(shell),
        Some(Command::Schema) => {
            std::fs::write(root().join(SCHEMA), generate(shell)?).with_context(|| format!("can't write {SCHEMA}"))?;
            println!("wrote {SCHEMA}");
            Ok(())
        }
        Some(Command::Reset) => reset(shell),
    }
}

/// Fails when a migration can't be undone and redone, or `schema.rs` is not what the migrations make.
pub(crate) fn check_built(shell: &Shell) -> Result<()> {
    let expected = generate(shell)?;
    let committed = std::fs::read_to_string(root().join(SCHEMA)).with_context(|| format!("can't read {SCHEMA}"))?;
    ensure!(committed == expected, "{SCHEMA} is not what the migrations make: run cargo xtask db schema");
    println!("every migration runs up, down and up; {SCHEMA} is what they make");
    Ok(())
}

/// Runs all migrations in a scratch database, each of them twice, and answers the text of `schema.rs`.
fn generate(shell: &Shell) -> Result<String> {
    let servers = Servers::start(shell)?;
    let server = Psql { shell, url: servers.postgres_url()?.to_owned() };
    server.query(&format!("drop database if exists {SCRATCH}"))?;
    server.query(&format!("create database {SCRATCH}"))?;
    let scratch = Psql { shell, url: with_database(&server.url, SCRATCH)? };
    let migrations = migrations()?;
    for folder in &migrations {
        for file in ["up.sql", "down.sql", "up.sql"] {
            scratch.run_file(&folder.join(file))?;
        }
    }
    let text = schema_text(&scratch)?;
    for folder in migrations.iter().rev() {
        scratch.run_file(&folder.join("down.sql"))?;
    }
    let left = scratch.query(
        "select relname from pg_class where relnamespace = 'public'::regnamespace union all
         select proname from pg_proc where pronamespace = 'public'::regnamespace",
    )?;
    ensure!(left.is_empty(), "left after all migrations were undone: {}", left.concat().join(", "));
    server.query(&format!("drop database {SCRATCH}"))?;
    Ok(text)
}

fn reset(shell: &Shell) -> Result<()> {
    let url = std::env::var_os("SLUICE_DB_URL").and_then(|url| url.into_string().ok());
    let url = url.context("SLUICE_DB_URL is not set")?;
    let local = ["@localhost", "@127.0.0.1", "@[::1]", "//localhost", "//127.0.0.1", "@/", "///"];
    ensure!(local.iter().any(|place| url.contains(place)), "reset empties databases on this machine only");
    Psql { shell, url: url.clone() }.query("drop schema public cascade; create schema public")?;
    let mut command = shell.command(shell.built()?.join("sluice-migrate"));
    command.env("SLUICE_DB_URL", url);
    Shell::run(command)
}

/// The migrations' folders in their order.
fn migrations() -> Result<Vec<PathBuf>> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root().join("migrations"))
        .context("can't read migrations/")?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    Ok(folders)
}

fn with_database(url: &str, name: &str) -> Result<String> {
    let (server, _) = url.rsplit_once('/').context("the URL names no database")?;
    Ok(format!("{server}/{name}"))
}

/// A database, asked with `psql`.
struct Psql<'a> {
    shell: &'a Shell,
    url: String,
}

impl Psql<'_> {
    fn command(&self) -> std::process::Command {
        let mut command = self.shell.command("psql");
        command
            .arg(&self.url)
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1"])
            .env("PGOPTIONS", "-c client_min_messages=warning");
        command
    }

    fn query(&self, sql: &str) -> Result<Vec<Vec<String>>> {
        let mut command = self.command();
        command.args(["-A", "-t", "-F", "\t", "-c", sql]);
        let output = Shell::output(command)?;
        Ok(output.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect())
    }

    fn run_file(&self, file: &Path) -> Result<()> {
        let mut command = self.command();
        let settings = file.with_file_name("metadata.toml");
        let alone = std::fs::read_to_string(settings).is_ok_and(|text| text.contains("run_in_transaction = false"));
        if !alone {
            command.arg("--single-transaction");
        }
        command.arg("-f").arg(file);
        Shell::output(command).map(drop).with_context(|| format!("{} does not run", file.display()))
    }
}

/// What diesel's `print-schema` would write.
fn schema_text(database: &Psql<'_>) -> Result<String> {
    let mut keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in database.query(
        "select c.relname, a.attname from pg_index i
         join pg_class c on c.oid = i.indrelid
         cross join lateral unnest(i.indkey) with ordinality k(attnum, position)
         join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
         where i.indisprimary and c.relnamespace = 'public'::regnamespace order by 1, k.position",
    )? {
        let [table, column] = columns(row)?;
        keys.entry(table).or_default().push(column);
    }
    let mut tables: BTreeMap<String, String> = BTreeMap::new();
    for row in database.query(
        "select table_name, column_name, udt_name, is_nullable from information_schema.columns
         where table_schema = 'public' order by table_name, ordinal_position",
    )? {
        let [table, column, udt, nullable] = columns(row)?;
        let kind = sql_type(&udt).with_context(|| format!("{table}.{column}"))?;
        let kind = if nullable == "YES" { format!("Nullable<{kind}>") } else { kind.to_owned() };
        let lines = tables.entry(table).or_default();
        if RESERVED.contains(&column.as_str()) {
            lines.push_str(&format!("        #[sql_name = \"{column}\"]\n        {column}_ -> {kind},\n"));
        } else {
            lines.push_str(&format!("        {column} -> {kind},\n"));
        }
    }
    let mut text = "// @generated by `cargo xtask db schema` from the migrations.\n\n".to_owned();
    for (table, lines) in &tables {
        let key = keys.get(table).with_context(|| format!("table {table} has no primary key"))?.join(", ");
        text.push_str(&format!("diesel::table! {{\n    {table} ({key}) {{\n{lines}    }}\n}}\n\n"));
    }
    text.push_str(&joinable(database)?);
    text.push_str("\ndiesel::allow_tables_to_appear_in_same_query!(\n");
    for table in tables.keys() {
        text.push_str(&format!("    {table},\n"));
    }
    text.push_str(");\n");
    Ok(text)
}

/// The joins that have one meaning only: one foreign key of one column between two tables, and none back.
fn joinable(database: &Psql<'_>) -> Result<String> {
    let mut keys: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for row in database.query(
        "select child.relname, parent.relname, a.attname from pg_constraint k
         join pg_class child on child.oid = k.conrelid
         join pg_class parent on parent.oid = k.confrelid
         join pg_attribute a on a.attrelid = child.oid and a.attnum = k.conkey[1]
         where k.contype = 'f' and cardinality(k.conkey) = 1
           and child.relnamespace = 'public'::regnamespace order by 1, 2, 3",
    )? {
        let [child, parent, column] = columns(row)?;
        keys.entry((child, parent)).or_default().push(column);
    }
    let pairs: BTreeSet<(String, String)> = keys.keys().cloned().collect();
    let mut text = String::new();
    for ((child, parent), columns) in &keys {
        if let [column] = columns.as_slice()
            && !pairs.contains(&(parent.clone(), child.clone()))
        {
            text.push_str(&format!("diesel::joinable!({child} -> {parent} ({column}));\n"));
        }
    }
    Ok(text)
}

fn columns<const N: usize>(row: Vec<String>) -> Result<[String; N]> {
    row.try_into().map_err(|row| anyhow::anyhow!("unexpected row {row:?}"))
}

/// Names that are words of Rust, which diesel writes with a line under them.
const RESERVED: [&str; 8] = ["type", "box", "match", "ref", "use", "where", "move", "loop"];

fn sql_type(udt: &str) -> Result<&'static str> {
    Ok(match udt {
        "int2" => "Int2",
        "int4" => "Int4",
        "int8" => "Int8",
        "float4" => "Float4",
        "float8" => "Float8",
        "bool" => "Bool",
        "text" => "Text",
        "varchar" => "Varchar",
        "bytea" => "Bytea",
        "numeric" => "Numeric",
        "date" => "Date",
        "timestamptz" => "Timestamptz",
        "uuid" => "Uuid",
        "json" => "Json",
        "jsonb" => "Jsonb",
        "_text" => "Array<Text>",
        "_int4" => "Array<Int4>",
        other => bail!("xtask/src/db.rs does not know the type {other}"),
    })
}
