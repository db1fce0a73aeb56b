//! `sluice eval`, as somebody runs it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use reqwest::Method;
use serde_json::{Value, json};
use sluice_test_support::builders::{good_answer, invoice_schema};
use sluice_test_support::documents::invoice_pdf;
use sluice_test_support::process::{our_binary, tools_folder};
use sluice_test_support::{Reply, ScriptedLlm, eventually};
use tempfile::TempDir;

use crate::LONG;
use crate::client::is_end;
use crate::services::{Services, answer};

/// A folder with three documents, a truth without one, and a model that gets one value wrong.
struct Case {
    folder: TempDir,
    llm: ScriptedLlm,
}

fn with_number(number: &str) -> Value {
    let mut data = good_answer();
    data["number"] = json!(number);
    data
}

impl Case {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The private servers run as somebody else, who must get in.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let llm = ScriptedLlm::start_with(|request| {
            let is_second = request.to_string().contains("4712");
            let mut data = with_number(if is_second { "4712" } else { "4711" });
            if is_second {
                // It is printed, as another value: what no check can know to be wrong is not asked for again.
                data["total"] = json!(80.0);
            }
            Reply::content(data)
        });
        let case = Self { folder, llm: llm.await.unwrap() };
        for below in ["docs/more", "tmp", "home"] {
            std::fs::create_dir_all(case.folder.path().join(below)).unwrap();
        }
        case.write("schema.json", invoice_schema().to_string().as_bytes());
        case.write("docs/first.pdf", &invoice_pdf("4711"));
        case.write("docs/first.truth.json", with_number("4711").to_string().as_bytes());
        case.write("docs/more/second.pdf", &invoice_pdf("4712"));
        case.write("docs/more/second.truth.json", with_number("4712").to_string().as_bytes());
        case.write("docs/broken.pdf", b"this is no PDF");
        case.write("docs/broken.truth.json", br#"{"doc_type": "bad_input", "expected": ["reject"]}"#);
        case.write("docs/lost.truth.json", br#"{"number": "1"}"#);
        case
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.folder.path().join(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.folder.path().join(name)).unwrap()).unwrap()
    }

    async fn eval(&self, more: &[&str]) -> Output {
        let tools = tools_folder().canonicalize().unwrap();
        let llm = self.llm.base_url();
        let arguments = ["eval", "docs", "--schema", "schema.json", "--out", "out", "--model", &llm];
        let arguments: Vec<&str> = arguments.iter().chain(more).copied().collect();
        run(
            self.folder.path(),
            &arguments,
            &[
                ("SLUICE_TOOLS_DIR", tools.to_str().unwrap()),
                // Must not be asked: an evaluation never touches the database that somebody works with.
                ("SLUICE_DB_URL", "postgres://nobody@127.0.0.1:1/nothing"),
            ],
        )
        .await
    }
}

async fn run(folder: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    let mut command = tokio::process::Command::new(our_binary("sluice").unwrap());
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin").kill_on_drop(true);
    command.env("HOME", folder.join("home")).env("TMPDIR", folder.join("tmp"));
    command.envs(settings.iter().copied()).args(arguments).current_dir(folder);
    command.output().await.unwrap()
}

fn said(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_of_a_folder_are_run_scored_compared_and_held_to_bounds() {
    let case = Case::new().await;
    let bounds = ["--min", "field_accuracy=0.9", "--min", "bad_input_ok=1", "--price", "1,2,USD", "--jobs", "2"];
    let output = case.eval(&bounds).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("field_accuracy is 0.8333, must be at least 0.9"), "{}", said(&output));
    assert_eq!(case.llm.calls(), 2);

    let report = case.read("out/report.json");
    let summary = &report["summary"];
    assert_eq!((&summary["documents"], &summary["answered"], &summary["exact"]), (&json!(2), &json!(2), &json!(1)));
    assert_eq!((&summary["line_items"], &summary["line_item_f1"]), (&json!(4), &json!(1.0)));
    assert_eq!((&summary["bad_input_ok"], &summary["missing_documents"]), (&json!(1.0), &json!(1)));
    assert_eq!((&summary["calls"], &summary["input_tokens"]), (&json!(2), &json!(2 * 1234)));
    assert_eq!(summary["cost"], json!({"USD": 0.004_736}));
    assert_eq!(report["documents"]["second"]["fields"]["total"], "wrong");
    for stage in ["LOAD", "TEXT_EXTRACT", "LLM_EXTRACT", "VALIDATE", "PERSIST"] {
        assert_eq!(report["seconds_by_stage"][stage]["documents"], 2, "{report}");
    }
    let prediction = case.read("out/first.json");
    assert_eq!((&prediction["number"], prediction.get("_extraction_info")), (&json!("4711"), None));
    assert!(case.read("out/broken.json")["error"].is_string());
    assert!(std::fs::read_to_string(case.folder.path().join("out/report.md")).unwrap().contains("| second |"));
    let left: Vec<_> = std::fs::read_dir(case.folder.path().join("tmp")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");

    // What is there is not run again; the report is made anew and compared.
    case.write("out/second.json", with_number("4712").to_string().as_bytes());
    let again = ["--resume", "--compare", "out/report.json", "--min", "field_accuracy=1", "--min", "document_exact=1"];
    let output = case.eval(&again).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("became right: second: total"), "{}", said(&output));
    assert_eq!(case.llm.calls(), 2);
    assert_eq!(case.read("out/report.json")["comparison"]["became_wrong"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_truths_of_a_project_are_evaluated_where_it_is_and_nothing_stays_behind() {
    let services = Services::start().await;
    let ada = services.person().await;
    let (_, manifest) = ada.upload("application/pdf", &invoice_pdf("4711")).await;
    let id = manifest["id"].clone();
    ada.extract(&id).await;
    let ended = || async {
        let history = ada.get(&format!("/manifests/{id}/extraction-history")).await;
        if is_end(history[0]["status"].as_str().unwrap()) { Ok(()) } else { Err(history) }
    };
    eventually(LONG, ended).await.unwrap();
    let (status, truth) = answer(ada.request(Method::PUT, &format!("/manifests/{id}/truth")).json(&json!({}))).await;
    assert_eq!((status, &truth["data"]), (200, &good_answer()), "{truth}");
    let project = ada.get(&format!("/groups/{}", ada.group)).await["projectId"].clone();
    let groups = ada.get(&format!("/projects/{project}/groups")).await;

    let folder = tempfile::tempdir().unwrap();
    let (url, number) = (services.api_url(), project.to_string());
    let arguments =
        ["eval", "--project", &number, "--server", &url, "--token-env", "TOKEN", "--min", "document_exact=1"];
    let output = run(folder.path(), &arguments, &[("TOKEN", &ada.token)]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let report = std::fs::read(folder.path().join("eval/report.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(report["documents"][format!("manifest-{id}")]["exact"], true, "{report}");
    assert_eq!(ada.get(&format!("/projects/{project}/groups")).await, groups);
}
