//! Users' scripts: what they can do, what they can't, and what is left when they try.

use std::time::Duration;

use serde_json::{Value, json};
use sluice_sandbox::{Config, Error, Sandbox, Script, ScriptError, ScriptKind, ScriptRun, ScriptRunner};

use crate::config;

/// A sandbox whose scripts have little time, so that those that never end end soon, and whose runners keep their place.
fn sandbox() -> Sandbox {
    Sandbox::new(settings())
}

fn settings() -> Config {
    Config { script_time: Duration::from_millis(300), script_turn: Duration::MAX, ..config() }
}

async fn open(kind: ScriptKind, sources: &[&str]) -> ScriptRunner {
    let script = |(index, source): (usize, &&str)| Script {
        id: i32::try_from(index).unwrap() + 1,
        name: format!("Script {index}"),
        source: (*source).to_owned(),
    };
    sandbox().open_scripts(kind, sources.iter().enumerate().map(script).collect()).await.unwrap()
}

async fn validate(source: &str, data: Value) -> ScriptRun {
    open(ScriptKind::Validate, &[source]).await.run(0, vec![data]).await.unwrap()
}

async fn failure(source: &str) -> ScriptError {
    validate(source, json!({})).await.outcome.unwrap_err()
}

/// A script that answers what an expression comes to, as an issue's message.
fn tell(expression: &str) -> String {
    format!(
        "function validate(data) {{ let told; try {{ told = String({expression}) }} catch (e) {{ told = 'refused: ' + e.name }}
         return [{{field: 'x', message: told || 'nothing', severity: 'warning'}}] }}"
    )
}

/// What such a script told.
fn told(run: &ScriptRun) -> &str {
    run.outcome.as_ref().unwrap()[0]["message"].as_str().unwrap()
}

const FINE: &str = "function validate(data) { return [] }";

#[tokio::test]
async fn a_script_answers_issues_and_writes_to_its_console() {
    let source = r#"
        const isOff = (a, b) => Math.abs(a - b) > 0.005;
        function validate(data) {
          console.log('total', data.total, [1, {a: null}], undefined, new TypeError('t'));
          console.warn();
          const sum = data.items.reduce((sum, item) => sum + item.price, 0);
          return isOff(sum, extractedData.total)
            ? [{field: 'total', message: 'off', severity: 'error', actual: data.total, expected: sum, more: 1}]
            : [];
        }"#;
    let run = validate(source, json!({"total": 3.5, "items": [{"price": 1}, {"price": 2}]})).await;
    let issue = json!({"field": "total", "message": "off", "severity": "error", "actual": 3.5, "expected": 3});
    assert_eq!(run.outcome.unwrap(), json!([issue]));
    let logs: Vec<(&str, &str)> = run.logs.iter().map(|line| (&*line.level, &*line.message)).collect();
    assert_eq!(logs, [("log", r#"total 3.5 [1,{"a":null}] undefined TypeError: t"#), ("warn", "")]);
}

#[tokio::test]
async fn an_export_script_has_its_context_and_helpers() {
    let source = r#"
        function exportRows(data, ctx) {
          const {get, set, trimToNull, normalizeWhitespace, toNumberOrNull} = ctx.utils;
          const row = {format: ctx.format, deep: get(data, 'a.b'), none: get(data, 'a.x.y') === undefined};
          set(row, 'p.q', 1);
          row.texts = [trimToNull('  '), trimToNull(' x '), normalizeWhitespace(' a \n b ')];
          row.numbers = ['1.5', ' 2 ', '', 'x', null, 3, Infinity].map(toNumberOrNull);
          for (const path of ['a[0]', '', 'a..b', '__proto__.x']) {
            try { set(row, path, 1); row.bad = path } catch (e) { row.refused = (row.refused || 0) + 1 }
          }
          return [row, Object.create(null)];
        }"#;
    let mut runner = open(ScriptKind::Export, &[source]).await;
    let run = runner.run(0, vec![json!({"a": {"b": 7}}), json!({"format": "csv"})]).await.unwrap();
    let row = json!({
        "format": "csv", "deep": 7, "none": true, "p": {"q": 1}, "texts": [null, "x", "a b"],
        "numbers": [1.5, 2, null, null, null, 3, null], "refused": 4,
    });
    assert_eq!(run.outcome.unwrap(), json!([row, {}]));
}

#[tokio::test]
async fn rows_that_are_no_plain_objects_are_refused() {
    for (answer, message) in [
        ("{a: 1}", "must return an array"),
        ("null", "must return an array"),
        ("[[1]]", "row 0 is none"),
        ("[{}, 3]", "row 1 is none"),
        ("[new Map()]", "row 0 is none"),
        ("[new Date(0)]", "row 0 is none"),
        ("[() => 1]", "row 0 is none"),
        ("[new Proxy({}, {getPrototypeOf() { throw 1 }})]", "row 0 is none"),
        ("new Proxy([{}], {})", "must return an array"),
        ("Object.assign([], {length: 4e9})", "4000000000 rows"),
        ("Array.from({length: 5001}, () => ({}))", "5001 rows"),
    ] {
        let source = format!("function exportRows() {{ return {answer} }}");
        let mut runner = open(ScriptKind::Export, &[&source]).await;
        let error = runner.run(0, vec![json!({}), json!({})]).await.unwrap().outcome.unwrap_err();
        assert!(error.message.contains(message), "{answer}: {error}");
    }
}

#[tokio::test]
async fn nothing_of_the_host_is_within_reach() {
    for (expression, expected) in [
        ("console.log.constructor('return process')()", "refused: ReferenceError"),
        ("console.log.constructor.constructor('return process')()", "refused: ReferenceError"),
        ("typeof this.constructor.constructor('return globalThis')().process", "undefined"),
        ("typeof data.constructor.constructor('return this')().require", "undefined"),
        ("Function('return typeof process + typeof require + typeof module')()", "undefinedundefinedundefined"),
        ("eval('typeof process')", "undefined"),
        ("(async () => {}).constructor('return process')()", "[object Promise]"),
        ("(function* () {}).constructor('return process')().next()", "refused: ReferenceError"),
        ("require('fs')", "refused: ReferenceError"),
        ("import('fs')", "[object Promise]"),
        (
            "[typeof fetch, typeof setTimeout, typeof std, typeof os, typeof print, typeof scriptArgs]",
            "undefined,undefined,undefined,undefined,undefined,undefined",
        ),
        ("new Error('x').constructor.constructor('return typeof Deno')()", "undefined"),
        ("Object.keys(globalThis).sort()", "console,extractedData,validate"),
        ("Object.keys(console)", "log,info,warn,error,debug"),
    ] {
        let run = validate(&tell(expression), json!({"a": 1})).await;
        assert_eq!(told(&run), expected, "{expression}");
    }
}

#[tokio::test]
async fn an_import_loads_nothing_and_no_promise_goes_on() {
    let source = "import('fs').then(fs => console.log('loaded', fs), e => console.log('late', e));
                  Promise.resolve().then(() => { for (;;); });
                  function validate() { return [] }";
    let run = validate(source, json!({})).await;
    assert_eq!(run.outcome.unwrap(), json!([]));
    assert_eq!(run.logs, []);
    let error = failure("async function validate() { return [] }").await;
    assert_eq!(error.message, "validate returned a promise; scripts are synchronous");
}

#[tokio::test]
async fn nothing_is_left_of_the_run_before() {
    let pollute = "Object.prototype.polluted = 'yes'; globalThis.leak = 1; const secret = 1;
                   Array.isArray = () => true; JSON.stringify = () => 'gone'; Function.prototype.call = null;
                   console.log = () => {};
                   function validate() { return [] }";
    let look = tell("[({}).polluted, typeof leak, typeof secret, Array.isArray(1), JSON.stringify([1])]");
    let mut runner = open(ScriptKind::Validate, &[pollute, &look]).await;
    for _ in 0..2 {
        assert_eq!(runner.run(0, vec![json!({})]).await.unwrap().outcome.unwrap(), json!([]));
        let run = runner.run(1, vec![json!({})]).await.unwrap();
        assert_eq!(told(&run), ",undefined,undefined,false,[1]");
    }
    assert_eq!(runner.children_started(), 1);
}

#[tokio::test]
async fn what_never_ends_is_interrupted_and_the_child_goes_on() {
    let endless = [
        "while (true) {} function validate() { return [] }",
        "function validate() { for (;;); }",
        "function validate() { for (;;) { try { for (;;); } catch (e) {} } }",
        "function validate() { try { for (;;); } finally { for (;;); } }",
        "function validate() { return /(a+)+$/.test('a'.repeat(40) + 'b') ? [] : [] }",
        "function validate() { return [3, 2, 1].sort(() => { for (;;); }) }",
        "function validate() { return [{get field() { for (;;); }, message: 'm', severity: 'error'}] }",
        "function validate() { return [{toJSON() { for (;;); }}] }",
        "function validate() { console.log({toJSON() { for (;;); }}); return [] }",
        "function validate() { throw {toString() { for (;;); }, toJSON() { for (;;); }} }",
        "function validate() { const e = new Error(); Object.defineProperty(e, 'message', {get() { for (;;); }}); throw e }",
        "function validate() { const f = (n) => n < 2 ? n : f(n - 1) + f(n - 2); return f(60) }",
        "function validate() { return new Proxy([], {get() { for (;;); }, ownKeys() { for (;;); }}) }",
        "const validate = new Proxy(function () {}, {apply() { for (;;); }})",
        "function validate() { throw new Proxy(new Error('x'), {get() { for (;;); }}) }",
        "const f = () => { try { f() } catch { f() } }; f(); function validate() { return [] }",
        "function validate() { return [Array.prototype.indexOf.call({length: 2 ** 53 - 1}, 1)] }",
    ];
    let mut sources = endless.to_vec();
    sources.push(FINE);
    let mut runner = open(ScriptKind::Validate, &sources).await;
    for (index, source) in endless.iter().enumerate() {
        let error = runner.run(index, vec![json!({})]).await.unwrap().outcome.unwrap_err();
        assert_eq!(error.message, "the script ran longer than 300ms", "{source}");
    }
    assert_eq!(runner.run(endless.len(), vec![json!({})]).await.unwrap().outcome.unwrap(), json!([]));
    assert_eq!(runner.children_started(), 1);
}

#[tokio::test]
async fn what_can_not_be_interrupted_is_killed_and_a_new_child_takes_over() {
    // Walks nine quadrillion places in native code.
    let native = "function validate() { return [Array.prototype.reverse.call({length: 2 ** 53 - 1})] }";
    let mut runner = open(ScriptKind::Validate, &[native, FINE]).await;
    let run = runner.run(0, vec![json!({})]).await.unwrap();
    assert!(run.outcome.unwrap_err().message.contains("was ended"));
    assert_eq!(runner.run(1, vec![json!({})]).await.unwrap().outcome.unwrap(), json!([]));
    assert_eq!(runner.run(1, vec![json!({})]).await.unwrap().outcome.unwrap(), json!([]));
    assert_eq!(runner.children_started(), 2);
}

#[tokio::test]
async fn memory_is_bounded() {
    let bombs = [
        "function validate() { const all = []; for (;;) all.push(new Array(1000).fill('x')); }",
        "function validate() { let text = 'x'; for (;;) text += text; }",
        "function validate() { return 'x'.repeat(2 ** 29) }",
        "function validate() { return new ArrayBuffer(2 ** 31) }",
        "const map = new Map(); for (let i = 0; ; i++) map.set(i, {i}); function validate() { return [] }",
        "function validate() { const all = []; for (;;) { try { all.push('y'.repeat(1e6) + all.length) } catch (e) { all.push(e) } } }",
        "function validate() { return Array(2 ** 32 - 1).join('x') }",
    ];
    let mut sources = bombs.to_vec();
    sources.push(FINE);
    // Time enough to fill the heap.
    let sandbox = Sandbox::new(Config { script_time: Duration::from_secs(2), ..settings() });
    let script = |source: &&str| Script { id: 0, name: "Bomb".to_owned(), source: (*source).to_owned() };
    let mut runner = sandbox.open_scripts(ScriptKind::Validate, sources.iter().map(script).collect()).await.unwrap();
    for (index, source) in bombs.iter().enumerate() {
        let outcome = runner.run(index, vec![json!({})]).await.unwrap().outcome;
        assert!(outcome.is_err(), "{source}: {outcome:?}");
        assert_eq!(runner.run(bombs.len(), vec![json!({})]).await.unwrap().outcome.unwrap(), json!([]), "{source}");
    }
    let error = runner.run(0, vec![json!({})]).await.unwrap().outcome.unwrap_err();
    // Where the heap has no room left for the error either, the engine throws null, which a script may do as well.
    let told = ["the script used more than 64 MiB of memory", "the script threw null, or had no memory left"];
    assert!(told.contains(&error.message.as_str()), "{}", error.message);
}

#[tokio::test]
async fn depth_is_bounded() {
    let nest = "let deep = []; for (let i = 0; i < DEPTH; i++) deep = [deep];";
    for source in [
        "function validate() { return validate() }".to_owned(),
        "const f = () => g(), g = () => f(); f(); function validate() { return [] }".to_owned(),
        format!("{} function validate() {{ return deep }}", nest.replace("DEPTH", "100000")),
        format!("{} function validate() {{ return deep }}", nest.replace("DEPTH", "1000")),
        format!("{} function validate() {{ return [] }} {}", "(".repeat(50_000), ")".repeat(50_000)),
        format!("const a = {}{}; function validate() {{ return a }}", "[".repeat(50_000), "]".repeat(50_000)),
    ] {
        let error = failure(&source).await;
        assert!(!error.message.is_empty() && error.message.len() < 5_000, "{error:?}");
    }
}

#[tokio::test]
async fn too_much_in_or_out_is_the_scripts_error() {
    let error =
        failure("function validate() { return [{field: 'f', message: 'x'.repeat(5e6), severity: 'error'}] }").await;
    assert_eq!(error.message, "validate returned more than 4194304 bytes");
    let run = validate(FINE, json!("x".repeat(9_000_000))).await;
    assert_eq!(run.outcome.unwrap_err().message, "the data has more than 8388608 bytes");
    let flood = "function validate() { for (let i = 0; i < 1000; i++) console.info(i + 'x'.repeat(9000)); return [] }";
    let run = validate(flood, json!({})).await;
    assert_eq!(run.outcome.unwrap(), json!([]));
    assert_eq!(run.logs.len(), 200);
    assert!(run.logs.iter().all(|line| line.message.chars().count() == 4_000));
    assert!(run.logs[0].message.starts_with("800x") && run.logs[199].message.starts_with("999x"));
}

#[tokio::test]
async fn an_error_says_what_and_where() {
    let source = "\nfunction inner(data) {\n  return data.a.b;\n}\nfunction validate(data) { return inner(data) }";
    let error = failure(source).await;
    assert_eq!((error.line, error.to_string().contains("(line 3)")), (Some(3), true), "{error:?}");
    let stack = error.stack.unwrap();
    assert!(stack.starts_with("TypeError: ") && stack.contains("Script 0:3:") && stack.lines().count() == 3, "{stack}");
    for (source, message) in [
        ("function validate() { throw 'plain' }", "the script threw plain"),
        ("function validate() { throw {code: 7} }", r#"the script threw {"code":7}"#),
        ("function validate() { throw undefined }", "the script threw undefined"),
        ("function validate() { throw new Error('') }", "Error"),
        ("function validate() { const a = []; a.push(a); return a }", "circular reference"),
        ("function validate() { return [10n] }", "BigInt"),
        ("function validate() {}", "validate must return an array"),
        ("function validate() { return {} }", "validate must return an array"),
        ("function validate() { return [{field: 'f', message: 'm'}] }", "issue 0 has a severity"),
        ("let validate = 3", "validate is not a function"),
        ("function validate( { return [] }", "invalid destructuring target"),
        ("function validate() { throw null }", "the script threw null"),
    ] {
        let error = failure(source).await;
        assert!(error.message.contains(message), "{source}: {error:?}");
    }
}

#[tokio::test]
async fn a_check_compiles_and_runs_nothing() {
    let sandbox = sandbox();
    for source in [
        FINE,
        "for (;;) {} function validate() {}",
        "'use strict'; function validate() {}",
        "throw 1; function validate(){}",
    ] {
        assert_eq!(sandbox.check_script(ScriptKind::Validate, source).await.unwrap(), None, "{source}");
    }
    let check = |source: &'static str| sandbox.check_script(ScriptKind::Validate, source);
    let error = check("function validate(data) {\n  return [;\n}").await.unwrap().unwrap();
    assert_eq!(error.line, Some(2), "{error:?}");
    assert!(check("'use strict'; with (Math) {} function validate() {}").await.unwrap().is_some());
    let error = check("function exportRows() {}").await.unwrap().unwrap();
    assert_eq!(error.message, "the script must declare function validate(");
    assert!(check("function validate() {} \0").await.unwrap().is_some());
    let deep = format!("function validate() {{ return {}1{} }}", "(".repeat(100_000), ")".repeat(100_000));
    assert!(sandbox.check_script(ScriptKind::Validate, &deep).await.unwrap().is_some());
}

#[tokio::test]
async fn a_batch_uses_one_child() {
    let sources =
        ["function validate(d) { return d.n % 2 ? [{field: 'n', message: 'odd', severity: 'warning'}] : [] }", FINE];
    let mut runner = open(ScriptKind::Validate, &sources).await;
    for n in 0..1_000 {
        let run = runner.run(n % 2, vec![json!({"n": n})]).await.unwrap();
        assert_eq!(run.outcome.unwrap(), json!([]), "{n}");
    }
    assert_eq!(runner.run(0, vec![json!({"n": 1})]).await.unwrap().outcome.unwrap()[0]["message"], "odd");
    assert_eq!(runner.children_started(), 1);
}

#[tokio::test]
async fn two_batches_take_turns_when_there_is_one_place() {
    let sandbox = Sandbox::new(Config { children: 1, script_turn: Duration::ZERO, ..settings() });
    let script = vec![Script { id: 1, name: "Fine".to_owned(), source: FINE.to_owned() }];
    let batch = || async {
        let mut runner = sandbox.open_scripts(ScriptKind::Validate, script.clone()).await.unwrap();
        for _ in 0..3 {
            assert_eq!(runner.run(0, vec![json!({})]).await.unwrap().outcome.unwrap(), json!([]));
        }
        // One when it was opened, and one for each turn, which is no longer than a call here.
        assert_eq!(runner.children_started(), 4);
        // It still has its place.
        runner
    };
    let ((), checked) = tokio::join!(async { drop(batch().await) }, sandbox.check_script(ScriptKind::Validate, FINE));
    assert_eq!(checked.unwrap(), None, "who came later did not wait for the end of the batch");
    tokio::join!(async { drop(batch().await) }, async { drop(batch().await) });
}

#[tokio::test]
async fn a_call_that_was_given_up_does_not_answer_the_next() {
    let slow = "function validate() { const end = Date.now() + 150; while (Date.now() < end); return [] }";
    let mut runner = open(ScriptKind::Validate, &[slow, &tell("data.n")]).await;
    // Polled once: asked and then dropped.
    assert!(futures_util::FutureExt::now_or_never(runner.run(0, vec![json!({})])).is_none());
    assert_eq!(told(&runner.run(1, vec![json!({"n": 5})]).await.unwrap()), "5");
}

#[tokio::test]
async fn what_is_wrong_with_the_sandbox_is_not_the_scripts_fault() {
    let missing = Sandbox::new(Config { binary: "/nowhere".into(), ..config() });
    let error = missing.check_script(ScriptKind::Validate, FINE).await.unwrap_err();
    assert!(matches!(error, Error::Broken { .. }), "{error:?}");
    let scripts = vec![Script { id: 1, name: "a".to_owned(), source: FINE.to_owned() }];
    let error = missing.open_scripts(ScriptKind::Validate, scripts.clone()).await.unwrap_err();
    assert!(matches!(error, Error::Broken { .. }), "{error:?}");
    let mut runner = sandbox().open_scripts(ScriptKind::Validate, scripts).await.unwrap();
    assert!(runner.run(7, vec![json!({})]).await.is_err());
    assert_eq!(runner.run(0, vec![json!({})]).await.unwrap().outcome.unwrap(), json!([]));
}
