use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::process::{Pid, Signal, test_kill_process};
use serde_json::Value;
use sluice_test_support::builders::good_answer;
use sluice_test_support::documents::invoice_pdf;
use sluice_test_support::process::tools_folder;
use sluice_test_support::{Process, Reply, ScriptedLlm, eventually};
use tempfile::TempDir;

use crate::LONG;
use crate::services::Person;

/// A data folder and the settings for it.
struct Home {
    folder: TempDir,
    settings: BTreeMap<String, String>,
    llm: ScriptedLlm,
}

impl Home {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The private servers run as somebody else, who must get in.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let llm = ScriptedLlm::start(Reply::content(good_answer())).await.unwrap();
        let tools = tools_folder().canonicalize().unwrap();
        let settings = [
            ("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin".to_owned()),
            ("HOME", folder.path().display().to_string()),
            ("SLUICE_DATA_DIR", folder.path().join("data").display().to_string()),
            ("SLUICE_TOOLS_DIR", tools.display().to_string()),
            ("SLUICE_LLM_BASE_URL", llm.base_url()),
            ("SLUICE_API_LISTEN", "127.0.0.1:0".to_owned()),
            ("SLUICE_WS_LISTEN", "127.0.0.1:0".to_owned()),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value)).into();
        Self { folder, settings, llm }
    }

    fn sluice(&self, command: &str) -> Process {
        let mut process = std::process::Command::new(sluice_test_support::process::our_binary("sluice").unwrap());
        process.env_clear().envs(&self.settings).arg(command);
        Process::spawn(process, &self.folder.path().join("log")).unwrap()
    }

    /// Starts it and answers the URL of its API.
    async fn up(&self) -> (Process, String) {
        let file = self.folder.path().join("data/endpoints.json");
        if file.exists() {
            std::fs::remove_file(&file).unwrap();
        }
        let process = self.sluice("up");
        let endpoints = eventually(LONG, || async {
            std::fs::read(&file)
                .map(|text| serde_json::from_slice::<Value>(&text).unwrap())
                .map_err(|error| format!("{error}: {}", process.log()))
        })
        .await
        .unwrap();
        (process, endpoints["api"].as_str().unwrap().to_owned())
    }
}

/// The children of a process and theirs.
fn descendants(parent: u32) -> Vec<u32> {
    let children = |pid: u32| -> Vec<u32> {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
        lists.flat_map(|list| list.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<u32>>()).collect()
    };
    let mut found = children(parent);
    let mut next = 0;
    while let Some(pid) = found.get(next).copied() {
        found.extend(children(pid));
        next += 1;
    }
    found
}

async fn assert_all_gone(pids: &[u32]) {
    assert!(!pids.is_empty());
    let left = || async {
        let left: Vec<u32> = pids.iter().copied().filter(|pid| is_alive(*pid)).collect();
        if left.is_empty() { Ok(()) } else { Err(left) }
    };
    eventually(LONG, left).await.unwrap();
}

fn is_alive(pid: u32) -> bool {
    let status = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    let is_zombie = status.is_ok_and(|status| status.contains(") Z "));
    !is_zombie && test_kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()).is_ok()
}

async fn ended(process: &mut Process) -> String {
    let process = std::cell::RefCell::new(process);
    eventually(LONG, || async {
        let mut process = process.borrow_mut();
        if process.is_running().unwrap() { Err("still runs") } else { Ok(process.log()) }
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_uploaded_is_there_after_a_stop_and_after_a_kill_and_no_server_is_left() {
    let home = Home::new().await;
    let (mut sluice, api) = home.up().await;
    let ada = Person::prepare(&api, &home.settings, &home.llm.base_url()).await;
    let (status, manifest) = ada.upload("application/pdf", &invoice_pdf("4711")).await;
    assert_eq!(status, 201, "{manifest}");
    let path = format!("/manifests/{}", manifest["id"]);

    let mut second = home.sluice("up");
    assert!(ended(&mut second).await.contains("another sluice up runs on"));
    assert!(sluice.is_running().unwrap());

    let servers = descendants(sluice.id());
    sluice.signal(Signal::INT).unwrap();
    ended(&mut sluice).await;
    assert_all_gone(&servers).await;

    let (mut sluice, api) = home.up().await;
    let again = Person::sign_in(&api, "ada", &ada.password).await;
    assert_eq!(again.get(&path).await["id"], manifest["id"]);
    let servers = descendants(sluice.id());
    sluice.kill().unwrap();
    assert_all_gone(&servers).await;

    let (mut sluice, api) = home.up().await;
    let again = Person::sign_in(&api, "ada", &ada.password).await;
    assert_eq!(again.get(&path).await["id"], manifest["id"]);
    let servers = descendants(sluice.id());
    let end = tokio::task::block_in_place(|| sluice.terminate(LONG)).unwrap();
    assert!(end.success(), "{end}");
    assert_all_gone(&servers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_all_that_is_needed() {
    let home = Home::new().await;
    let mut doctor = home.sluice("doctor");
    let said = ended(&mut doctor).await;
    assert!(!said.contains("MISSING"), "{said}");
    let status = tokio::process::Command::new(sluice_test_support::process::our_binary("sluice").unwrap())
        .env_clear()
        .envs(&home.settings)
        .arg("doctor")
        .status()
        .await
        .unwrap();
    assert!(status.success());
}
