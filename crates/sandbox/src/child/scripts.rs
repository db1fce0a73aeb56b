//! Answers calls of users' scripts, one line each, until there are no more.

use std::io::{BufRead, stdin};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use sluice_core::ErrorKind;
use sluice_sandbox::protocol::{Call, RawRun, Response, ScriptLimits};
use sluice_sandbox::{Script, ScriptError, ScriptKind};

use crate::realm::{Realm, compile};
use crate::serve::{failed, send};

/// The loop; what it answers ends the child.
pub(crate) fn answer_calls(kind: ScriptKind, scripts: &[Script], limits: ScriptLimits) -> Response {
    let mut heard = send(&Response::Ready);
    let mut line = String::new();
    while heard {
        line.clear();
        match stdin().lock().read_line(&mut line) {
            Ok(0) => return Response::Done,
            Ok(_) => {}
            Err(error) => return failed(ErrorKind::Internal, error.to_string()),
        }
        let Ok(call) = serde_json::from_str::<Call>(&line) else {
            return failed(ErrorKind::Internal, "a call can't be read".to_owned());
        };
        let Some(script) = scripts.get(call.script) else {
            return failed(ErrorKind::Internal, "there is no such script".to_owned());
        };
        if let Err(message) = allow_cpu_time(limits.time_ms) {
            return failed(ErrorKind::Internal, message);
        }
        let run = guarded(|| Realm::run(kind, script, &call.arguments, limits));
        heard = send(&Response::Ran(run.unwrap_or_else(|error| RawRun { outcome: Err(error), logs: Vec::new() })));
    }
    failed(ErrorKind::Internal, "nobody listens".to_owned())
}

/// Compiles a script.
pub(crate) fn check(kind: ScriptKind, source: &str, limits: ScriptLimits) -> Response {
    if let Err(message) = allow_cpu_time(limits.time_ms) {
        return failed(ErrorKind::Internal, message);
    }
    let found = guarded(|| compile(source, limits)).unwrap_or_else(Some);
    let undeclared = || {
        let function = kind.function();
        (!kind.is_declared_in(source))
            .then(|| ScriptError::new(format!("the script must declare function {function}(")))
    };
    Response::Checked(found.or_else(undeclared))
}

/// What panics on a script is reported as the script's.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, ScriptError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_panic| ScriptError::new("the script can't be run"))
}

/// Lets this process work for so long from now on and some seconds more, then the kernel ends it. A script is interrupted before;
/// this is for what can't be interrupted.
fn allow_cpu_time(time_ms: u64) -> Result<(), String> {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    let used_seconds = u64::try_from(used.tv_sec).unwrap_or(0);
    let wanted = used_seconds.saturating_add(time_ms / 1000).saturating_add(2);
    let maximum = getrlimit(Resource::Cpu).maximum;
    let current = Some(maximum.map_or(wanted, |maximum| wanted.min(maximum)));
    setrlimit(Resource::Cpu, Rlimit { current, maximum }).map_err(|error| format!("a limit can't be set: {error}"))
}
