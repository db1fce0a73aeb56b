//! One run of a script in a QuickJS of its own: nothing of the host is in it but a console that writes to a ring.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use rquickjs::context::{EvalOptions, intrinsic};
use rquickjs::function::{Args, Rest};
use rquickjs::{Array, Coerced, Context, Ctx, Error, Function, Object, Runtime, Value};
use rustix::time::{ClockId, clock_gettime};
use sluice_sandbox::protocol::{RawRun, ScriptLimits};
use sluice_sandbox::{LogLine, Script, ScriptError, ScriptKind};

const MAX_OUTPUT_BYTES: usize = 4 * 1024 * 1024;
const MAX_LOG_LINES: usize = 200;
const MAX_TEXT_CHARS: usize = 4_000;
const MAX_ROWS: f64 = 5_000.0;
const MAX_FRAMES: usize = 10;
const MAX_STACK_BYTES: usize = 512 * 1024;
const LEVELS: [&str; 5] = ["log", "info", "warn", "error", "debug"];
const UTILS: &str = include_str!("utils.js");

/// What a script may use of the language. There is no loader of modules, no timer, no shared memory to wait on.
type Language = (
    intrinsic::Date,
    intrinsic::Eval,
    intrinsic::RegExpCompiler,
    intrinsic::RegExp,
    intrinsic::Json,
    intrinsic::Proxy,
    intrinsic::MapSet,
    intrinsic::TypedArrays,
    intrinsic::Promise,
    intrinsic::WeakRef,
);

/// What is known of a run outside of its realm.
pub(crate) struct Realm {
    /// The script's name as its frames show it.
    file: String,
    limits: ScriptLimits,
    was_interrupted: Cell<bool>,
    logs: RefCell<VecDeque<LogLine>>,
}

/// Compiles a script and answers what is wrong with it.
pub(crate) fn compile(source: &str, limits: ScriptLimits) -> Option<ScriptError> {
    let realm = Realm::new("script", limits);
    // The whole is compiled before any of it runs, and the first thing to run ends it. A directive must stay the first.
    let is_strict =
        ["'use strict'", "\"use strict\""].iter().any(|directive| source.trim_start().starts_with(directive));
    let guarded = if is_strict { format!("'use strict';throw 0;{source}") } else { format!("throw 0;{source}") };
    let outcome = realm.enter(|ctx| match evaluate(ctx, &guarded, &realm.file) {
        Err(Error::Exception) => {
            let thrown = ctx.catch();
            if thrown.as_int() == Some(0) { Ok(()) } else { Err(realm.describe_thrown(&thrown)) }
        }
        Err(error) => Err(realm.describe(ctx, &error)),
        Ok(_value) => Ok(()),
    });
    outcome.err()
}

impl Realm {
    /// Runs a script on arguments, the text of a JSON array.
    pub(crate) fn run(kind: ScriptKind, script: &Script, arguments: &str, limits: ScriptLimits) -> RawRun {
        let realm = Self::new(&script.name, limits);
        let outcome = realm.enter(|ctx| {
            let called = realm.call(ctx, kind, &script.source, arguments);
            called.map_err(|error| realm.describe(ctx, &error)).and_then(|answer| realm.read(ctx, kind, answer))
        });
        RawRun { outcome, logs: realm.logs.take().into() }
    }

    fn new(name: &str, limits: ScriptLimits) -> Rc<Self> {
        let plain = |c: char| if c.is_control() || ":()".contains(c) { '_' } else { c };
        let file: String = name.chars().take(60).map(plain).collect();
        let file = if file.trim().is_empty() { "script".to_owned() } else { file };
        Rc::new(Self { file, limits, was_interrupted: Cell::new(false), logs: RefCell::default() })
    }

    /// Makes a realm with its limits; the time begins to run.
    fn enter<T>(
        self: &Rc<Self>,
        work: impl for<'js> FnOnce(&Ctx<'js>) -> Result<T, ScriptError>,
    ) -> Result<T, ScriptError> {
        let unusable = |error: Error| ScriptError::new(format!("the script can't be run: {error}"));
        let runtime = Runtime::new().map_err(unusable)?;
        runtime.set_memory_limit(self.limits.memory_bytes);
        runtime.set_max_stack_size(MAX_STACK_BYTES);
        let end = thread_time().saturating_add(Duration::from_millis(self.limits.time_ms));
        let realm = self.clone();
        runtime.set_interrupt_handler(Some(Box::new(move || {
            // Once it is over it stays so: what catches the end must not go on.
            let is_over = realm.was_interrupted.get() || thread_time() >= end;
            realm.was_interrupted.set(is_over);
            is_over
        })));
        let context = Context::custom::<Language>(&runtime).map_err(unusable)?;
        let outcome = context.with(|ctx| work(&ctx));
        // The interrupt may have come where its exception is not seen, while a line of the console was put together.
        if self.was_interrupted.get() { Err(self.out_of_time()) } else { outcome }
    }

    /// Calls the script's function and answers what it returned.
    fn call<'js>(
        self: &Rc<Self>,
        ctx: &Ctx<'js>,
        kind: ScriptKind,
        source: &str,
        arguments: &str,
    ) -> Result<Value<'js>, Error> {
        self.add_console(ctx)?;
        let given: Array<'js> = ctx.json_parse(arguments)?.get()?;
        if kind == ScriptKind::Export
            && let Ok(context) = given.get::<Object<'js>>(1)
        {
            context.set("utils", evaluate(ctx, UTILS, "utils")?)?;
        }
        ctx.globals().set("extractedData", given.get::<Value<'js>>(0)?)?;
        evaluate(ctx, source, &self.file)?;
        let function = kind.function();
        // A function that is declared with `const` is no property of the global object.
        let found = evaluate(ctx, &format!("typeof {function} === 'function' ? {function} : undefined"), "lookup")?;
        let Some(found) = found.into_function() else {
            return Err(rquickjs::Exception::throw_reference(ctx, &format!("{function} is not a function")));
        };
        let mut list = Args::new_unsized(ctx.clone());
        for argument in given.iter::<Value<'js>>() {
            list.push_arg(argument?)?;
        }
        found.call_arg(list)
    }

    /// Turns what the function returned into the text of a JSON value.
    fn read<'js>(&self, ctx: &Ctx<'js>, kind: ScriptKind, answer: Value<'js>) -> Result<String, ScriptError> {
        let function = kind.function();
        if answer.is_promise() {
            return Err(ScriptError::new(format!("{function} returned a promise; scripts are synchronous")));
        }
        if kind == ScriptKind::Export {
            check_rows(ctx, &answer)?;
        }
        let text = ctx.json_stringify(answer).map_err(|error| self.describe(ctx, &error))?;
        let Some(text) = text else { return Err(ScriptError::new(format!("{function} must return an array"))) };
        let text = text.to_string().map_err(|error| self.describe(ctx, &error))?;
        if text.len() > MAX_OUTPUT_BYTES {
            return Err(ScriptError::new(format!("{function} returned more than {MAX_OUTPUT_BYTES} bytes")));
        }
        Ok(text)
    }

    fn add_console(self: &Rc<Self>, ctx: &Ctx<'_>) -> Result<(), Error> {
        let console = Object::new(ctx.clone())?;
        for level in LEVELS {
            let realm = self.clone();
            let write = move |values: Rest<Value<'_>>| realm.log(level, &values.0);
            console.set(level, Function::new(ctx.clone(), write)?)?;
        }
        ctx.globals().set("console", console)
    }

    fn log(&self, level: &str, values: &[Value<'_>]) {
        let mut message = String::new();
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                message.push(' ');
            }
            message.push_str(&shown(value));
            if message.len() > MAX_TEXT_CHARS * 4 {
                break;
            }
        }
        let mut logs = self.logs.borrow_mut();
        if logs.len() >= MAX_LOG_LINES {
            logs.pop_front();
        }
        logs.push_back(LogLine { level: level.to_owned(), message: cut(&message) });
    }

    fn describe(&self, ctx: &Ctx<'_>, error: &Error) -> ScriptError {
        match error {
            Error::Exception => {
                let thrown = ctx.catch();
                self.describe_thrown(&thrown)
            }
            Error::Allocation => self.out_of_memory(),
            Error::InvalidString(_) => ScriptError::new("the script has a character that can't be read (NUL)"),
            other => ScriptError::new(format!("the script can't be run: {other}")),
        }
    }

    fn describe_thrown(&self, thrown: &Value<'_>) -> ScriptError {
        if self.was_interrupted.get() {
            return self.out_of_time();
        }
        if thrown.is_null() {
            // Where there is no room for an error, null is thrown.
            return ScriptError::new("the script threw null, or had no memory left");
        }
        let Some(exception) = thrown.as_exception() else {
            return ScriptError::new(format!("the script threw {}", shown(thrown)));
        };
        let name = exception.get::<_, Coerced<String>>("name").map_or_else(|_| "Error".to_owned(), |name| name.0);
        let message = cut(&exception.message().unwrap_or_default());
        if name == "InternalError" && message == "out of memory" {
            return self.out_of_memory();
        }
        let frames: Vec<String> = exception
            .stack()
            .unwrap_or_default()
            .lines()
            .filter(|frame| self.line_of(frame).is_some())
            .take(MAX_FRAMES)
            .map(cut)
            .collect();
        let line = frames.first().and_then(|frame| self.line_of(frame));
        let stack = [vec![format!("{}: {message}", cut(&name))], frames].concat().join("\n");
        ScriptError { message: if message.is_empty() { cut(&name) } else { message }, line, stack: Some(stack) }
    }

    fn out_of_time(&self) -> ScriptError {
        let limit = Duration::from_millis(self.limits.time_ms);
        ScriptError::new(format!("the script ran longer than {limit:?}"))
    }

    fn out_of_memory(&self) -> ScriptError {
        ScriptError::new(format!(
            "the script used more than {} MiB of memory",
            self.limits.memory_bytes / (1024 * 1024)
        ))
    }

    /// The line in a frame, `at name (file:line:column)`, if it is one of the script.
    fn line_of(&self, frame: &str) -> Option<u32> {
        let mut parts = frame.trim_end().trim_end_matches(')').rsplitn(3, ':');
        let (_column, line, place) = (parts.next()?, parts.next()?, parts.next()?);
        let name = place.strip_suffix(&self.file)?;
        if name.ends_with(['(', ' ']) { line.parse().ok() } else { None }
    }
}

fn evaluate<'js>(ctx: &Ctx<'js>, source: &str, file: &str) -> Result<Value<'js>, Error> {
    let mut options = EvalOptions::default();
    options.strict = false;
    options.filename = Some(file.to_owned());
    ctx.eval_with_options(source, options)
}

/// Rows are plain objects: what a class or a host made would lose its meaning as JSON.
fn check_rows<'js>(ctx: &Ctx<'js>, answer: &Value<'js>) -> Result<(), ScriptError> {
    let Some(rows) = answer.as_array() else {
        return Err(ScriptError::new("exportRows must return an array"));
    };
    // Asked for as a number: the type's own `len` panics when it is above what 31 bits hold.
    let count = rows.as_object().get::<_, f64>("length").unwrap_or(f64::MAX);
    if count > MAX_ROWS {
        return Err(ScriptError::new(format!("exportRows returned {count} rows, {MAX_ROWS} are allowed")));
    }
    let plain = Object::new(ctx.clone()).ok().and_then(|object| object.get_prototype());
    for (index, row) in rows.iter::<Value<'js>>().enumerate() {
        let row = row
            .ok()
            .filter(|row| !row.is_array() && !row.is_function() && !row.is_proxy())
            .and_then(Value::into_object);
        let prototype = row.as_ref().map(Object::get_prototype);
        if prototype.is_none_or(|prototype| prototype.is_some() && prototype != plain) {
            return Err(ScriptError::new(format!("exportRows must return plain objects, row {index} is none")));
        }
    }
    Ok(())
}

/// A value as a person reads it: texts as they are, errors by their names, the rest as JSON.
fn shown(value: &Value<'_>) -> String {
    if value.is_undefined() {
        return "undefined".to_owned();
    }
    let unknown = || "(a value that can't be shown)".to_owned();
    let as_text = || value.get::<Coerced<String>>().map_or_else(|_| unknown(), |text| text.0);
    if value.is_string() || value.is_error() || value.is_number() || value.is_big_int() {
        return as_text();
    }
    if value.is_function() {
        return "[function]".to_owned();
    }
    match value.ctx().json_stringify(value.clone()) {
        Ok(Some(text)) => text.to_string().unwrap_or_else(|_| unknown()),
        Ok(None) | Err(_) => unknown(),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_TEXT_CHARS).collect()
}

/// CPU time, so that a busy machine does not end a script that is fine.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::from_secs(time.tv_sec.try_into().unwrap_or(0))
        + Duration::from_nanos(time.tv_nsec.try_into().unwrap_or(0))
}
