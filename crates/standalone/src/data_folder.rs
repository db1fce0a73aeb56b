//! The one folder that holds everything: the servers' data, what was chosen once, and who runs on it.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rustix::fs::{FlockOperation, flock};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use sluice_service::{Env, SecretBox};

/// Where things are, from the settings.
#[derive(Debug, Clone)]
pub struct DataFolder {
    /// `SLUICE_DATA_DIR`, by default `/var/lib/sluice` for root and `~/.local/share/sluice` for others.
    pub(crate) root: PathBuf,
    /// `SLUICE_TOOLS_DIR`, by default `data/tools` of the checkout that this program was built in, else `tools` in the data
    /// folder.
    pub(crate) tools: PathBuf,
    /// The search path for programs.
    pub(crate) path: String,
    /// A database to use instead of a private one.
    database_url: Option<String>,
    /// Whom private servers run as when root starts them.
    pub(crate) user: Option<Unprivileged>,
}

/// A user without rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unprivileged {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// What was chosen at the first start and is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) jwt_secret: String,
    pub(crate) secrets_key: String,
    pub(crate) database_password: String,
    pub(crate) redis_password: String,
    pub(crate) s3_access_key: String,
    pub(crate) s3_secret_key: String,
    pub(crate) ports: Ports,
}

/// The ports of the private servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Ports {
    pub(crate) postgres: u16,
    pub(crate) redis: u16,
    pub(crate) s3: u16,
    pub(crate) s3_master: u16,
    pub(crate) s3_volume: u16,
    pub(crate) s3_filer: u16,
    pub(crate) s3_admin: u16,
    pub(crate) model: u16,
}

impl DataFolder {
    /// Finds the folder; makes nothing yet.
    ///
    /// # Errors
    /// When root has no user to give private servers to.
    pub fn locate(env: &mut Env) -> Result<Self> {
        let is_root = rustix::process::geteuid().is_root();
        let home = env.optional("HOME").unwrap_or_else(|| "/".to_owned());
        let default =
            if is_root { PathBuf::from("/var/lib/sluice") } else { Path::new(&home).join(".local/share/sluice") };
        let root = env.optional("SLUICE_DATA_DIR").map_or(default, PathBuf::from);
        let root = std::path::absolute(root)?;
        let tools = env.optional("SLUICE_TOOLS_DIR").map(PathBuf::from).or_else(tools_of_checkout);
        Ok(Self {
            tools: tools.unwrap_or_else(|| root.join("tools")),
            path: env.optional("PATH").unwrap_or_default(),
            database_url: env.optional("SLUICE_DB_URL"),
            user: if is_root { Some(unprivileged_user()?) } else { None },
            root,
        })
    }

    /// The same for servers that run for a while in another folder.
    pub(crate) fn at(&self, root: PathBuf) -> Self {
        Self { root, database_url: None, ..self.clone() }
    }

    /// Makes the folder and locks it for this process, for as long as the answer lives.
    ///
    /// # Errors
    /// When it can't be made, or another process runs on it.
    pub(crate) fn lock(&self) -> Result<File> {
        self.make(Path::new(""), 0o711)?;
        let file =
            OpenOptions::new().create(true).write(true).truncate(false).mode(0o600).open(self.root.join("lock"))?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)
            .with_context(|| format!("another sluice up runs on {}", self.root.display()))?;
        Ok(file)
    }

    /// Makes a folder below, owned by whom the private servers run as.
    pub(crate) fn make(&self, below: &Path, mode: u32) -> Result<PathBuf> {
        let folder = self.root.join(below);
        std::fs::create_dir_all(&folder).with_context(|| format!("can't make {}", folder.display()))?;
        self.give(&folder, mode)?;
        Ok(folder)
    }

    /// Writes a file that only its owner reads.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let file = self.root.join(name);
        let part = self.root.join(format!("{name}.part"));
        let mut out = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&part)?;
        out.write_all(text.as_bytes())?;
        out.sync_all()?;
        std::fs::rename(&part, &file)?;
        Ok(file)
    }

    /// Gives a file or folder to the user of the private servers.
    pub(crate) fn give(&self, path: &Path, mode: u32) -> Result<()> {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
        if let Some(user) = self.user {
            chown(path, Some(user.uid), Some(user.gid))?;
        }
        Ok(())
    }

    /// What was chosen at the first start; chosen now when this is it. Ports that others have taken are chosen anew.
    pub(crate) fn kept(&self) -> Result<Kept> {
        let mut kept = match std::fs::read_to_string(self.root.join("kept.json")) {
            Ok(text) => serde_json::from_str(&text).context("kept.json can't be read")?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Kept::choose()?,
            Err(error) => return Err(error).context("kept.json can't be read"),
        };
        kept.ports.settle()?;
        self.write("kept.json", &serde_json::to_string_pretty(&kept)?)?;
        Ok(kept)
    }

    /// The database that commands beside `up` work on: the one of the settings, else the private one.
    ///
    /// # Errors
    /// When there is neither.
    pub fn database(&self) -> Result<sluice_db::Config> {
        let url = match &self.database_url {
            Some(url) => url.clone(),
            None => {
                let text = std::fs::read_to_string(self.root.join("kept.json")).with_context(|| {
                    format!("there is no database: set SLUICE_DB_URL, or start sluice up on {}", self.root.display())
                })?;
                serde_json::from_str::<Kept>(&text)?.database_url()
            }
        };
        let mut env = Env::from_pairs([("SLUICE_DB_URL", url)]);
        let config = sluice_db::Config::read(&mut env);
        env.finish()?;
        Ok(config)
    }
}

impl Kept {
    fn choose() -> Result<Self> {
        let secret = || -> Result<String> {
            let key = SecretBox::generate_key()?;
            Ok(key.expose_secret().chars().filter(char::is_ascii_alphanumeric).collect())
        };
        Ok(Self {
            jwt_secret: SecretBox::generate_key()?.expose_secret().to_owned(),
            secrets_key: SecretBox::generate_key()?.expose_secret().to_owned(),
            database_password: secret()?,
            redis_password: secret()?,
            s3_access_key: "sluice".to_owned(),
            s3_secret_key: secret()?,
            ports: Ports::default(),
        })
    }

    pub(crate) fn database_url(&self) -> String {
        format!("postgres://sluice:{}@127.0.0.1:{}/postgres", self.database_password, self.ports.postgres)
    }

    pub(crate) fn redis_url(&self) -> String {
        format!("redis://:{}@127.0.0.1:{}/", self.redis_password, self.ports.redis)
    }
}

impl Ports {
    fn settle(&mut self) -> Result<()> {
        let mut taken = Vec::new();
        for port in [
            &mut self.postgres,
            &mut self.redis,
            &mut self.s3,
            &mut self.s3_master,
            &mut self.s3_volume,
            &mut self.s3_filer,
            &mut self.s3_admin,
            &mut self.model,
        ] {
            if *port == 0 || taken.contains(port) || !is_free(*port) {
                *port = choose(&taken)?;
            }
            taken.push(*port);
        }
        Ok(())
    }
}

/// SeaweedFS takes the port 10,000 above each of its own too; all ports are chosen so that it can.
fn choose(taken: &[u16]) -> Result<u16> {
    (18_000_u16..28_000).step_by(3).find(|port| !taken.contains(port) && is_free(*port)).context("no port is free")
}

fn is_free(port: u16) -> bool {
    [Some(port), port.checked_add(10_000)]
        .into_iter()
        .flatten()
        .all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok())
}

/// `data/tools` of the checkout whose `target` folder holds this program.
fn tools_of_checkout() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    program.ancestors().map(|folder| folder.join("data/tools")).find(|tools| tools.join("bin").is_dir())
}

/// Postgres refuses to run as root, and nothing else should.
fn unprivileged_user() -> Result<Unprivileged> {
    let passwd = std::fs::read_to_string("/etc/passwd").context("can't read /etc/passwd")?;
    for name in ["sluice", "postgres", "nobody"] {
        let Some(line) = passwd.lines().find(|line| line.split(':').next() == Some(name)) else { continue };
        let mut ids = line.split(':').skip(2).map(str::parse);
        if let (Some(Ok(uid)), Some(Ok(gid))) = (ids.next(), ids.next()) {
            return Ok(Unprivileged { uid, gid });
        }
    }
    bail!("private servers must not run as root and there is no user for them: useradd --system sluice")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_kept_while_they_are_free() {
        let mut ports = Ports::default();
        ports.settle().unwrap();
        let first = ports;
        ports.settle().unwrap();
        assert_eq!(ports, first);
        let _taken = TcpListener::bind(("127.0.0.1", first.redis)).unwrap();
        ports.settle().unwrap();
        assert_ne!(ports.redis, first.redis);
        assert_eq!(ports.postgres, first.postgres);
    }
}
