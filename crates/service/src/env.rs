//! Settings from the environment: every problem is collected and reported with its variable's name.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

/// Reads settings, remembers which were asked for, and collects problems.
pub struct Env {
    lookup: Lookup,
    problems: Vec<Problem>,
    redacted: Redacted,
}

type Lookup = Box<dyn Fn(&str) -> Option<String> + Send>;

/// What a setting has wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The variable.
    pub name: String,
    /// What is wrong with it.
    pub message: String,
}

/// All that is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

/// The settings as read, secrets hidden; start-up logs it once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redacted(BTreeMap<String, String>);

impl Env {
    /// Reads the environment of this process.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn from_process() -> Self {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// Reads the given pairs; for tests and for services that share a process.
    pub fn from_pairs<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let map: HashMap<String, String> = pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self::from_lookup(move |name| map.get(name).cloned())
    }

    /// Reads through a function.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String> + Send + 'static) -> Self {
        Self { lookup: Box::new(lookup), problems: Vec::new(), redacted: Redacted::default() }
    }

    /// A text that must be set; empty counts as unset.
    pub fn required(&mut self, name: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.problem(name, "is not set");
            String::new()
        })
    }

    /// A text that may be unset; empty counts as unset.
    pub fn optional(&mut self, name: &str) -> Option<String> {
        let value = self.raw(name);
        self.redacted.0.insert(name.to_owned(), value.clone().unwrap_or_else(|| "(unset)".to_owned()));
        value
    }

    /// A text with a default.
    pub fn string(&mut self, name: &str, default: &str) -> String {
        let value = self.raw(name).unwrap_or_else(|| default.to_owned());
        self.redacted.0.insert(name.to_owned(), value.clone());
        value
    }

    /// A value of any type that reads from text, with a default.
    pub fn parsed<T>(&mut self, name: &str, default: T) -> T
    where
        T: FromStr + fmt::Display,
        T::Err: fmt::Display,
    {
        let value = match self.raw(name).map(|text| text.parse::<T>()) {
            None => default,
            Some(Ok(value)) => value,
            Some(Err(error)) => {
                self.problem(name, &format!("can't be read: {error}"));
                default
            }
        };
        self.redacted.0.insert(name.to_owned(), value.to_string());
        value
    }

    /// `true`/`false`, `1`/`0`, `yes`/`no` or `on`/`off`, with a default.
    pub fn flag(&mut self, name: &str, default: bool) -> bool {
        let value = match self.raw(name).map(|text| text.to_ascii_lowercase()).as_deref() {
            None => default,
            Some("true" | "1" | "yes" | "on") => true,
            Some("false" | "0" | "no" | "off") => false,
            Some(other) => {
                self.problem(name, &format!("{other:?} is neither true nor false"));
                default
            }
        };
        self.redacted.0.insert(name.to_owned(), value.to_string());
        value
    }

    /// A span of time with its unit (`250ms`, `30s`, `5m`, `12h`, `7d`), with a default.
    pub fn duration(&mut self, name: &str, default: Duration) -> Duration {
        let value = match self.raw(name).map(|text| parse_duration(&text)) {
            None => default,
            Some(Some(value)) => value,
            Some(None) => {
                self.problem(name, "is no span of time such as 250ms, 30s, 5m, 12h or 7d");
                default
            }
        };
        self.redacted.0.insert(name.to_owned(), format!("{value:?}"));
        value
    }

    /// Texts separated by commas; unset is the empty list.
    pub fn list(&mut self, name: &str) -> Vec<String> {
        let value = self.raw(name).unwrap_or_default();
        self.redacted.0.insert(name.to_owned(), value.clone());
        value.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }

    /// A URL that must be set; a password in it is hidden from the log.
    pub fn required_url(&mut self, name: &str) -> SecretString {
        let value = self.raw(name);
        self.redacted.0.insert(name.to_owned(), value.as_deref().map_or("(unset)".to_owned(), redact_url));
        match value.as_deref().map(Url::parse) {
            None => self.problem(name, "is not set"),
            Some(Err(error)) => self.problem(name, &format!("is no URL: {error}")),
            Some(Ok(_)) => {}
        }
        value.unwrap_or_default().into()
    }

    /// A secret that must be set.
    pub fn secret(&mut self, name: &str) -> SecretString {
        self.optional_secret(name).unwrap_or_else(|| {
            self.problem(name, "is not set");
            SecretString::default()
        })
    }

    /// A secret that may be unset.
    pub fn optional_secret(&mut self, name: &str) -> Option<SecretString> {
        let value = self.raw(name);
        let shown = if value.is_some() { "(set)" } else { "(unset)" };
        self.redacted.0.insert(name.to_owned(), shown.to_owned());
        value.map(Into::into)
    }

    /// Notes a problem that the reader of the value found.
    pub fn problem(&mut self, name: &str, message: &str) {
        self.problems.push(Problem { name: name.to_owned(), message: message.to_owned() });
    }

    /// Ends the reading and answers what was read, secrets hidden.
    ///
    /// # Errors
    /// All problems together.
    pub fn finish(self) -> Result<Redacted, Problems> {
        if self.problems.is_empty() { Ok(self.redacted) } else { Err(Problems(self.problems)) }
    }

    fn raw(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.trim().is_empty())
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env")
            .field("problems", &self.problems)
            .field("redacted", &self.redacted)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings have problems:")?;
        for Problem { name, message } in &self.0 {
            write!(f, "\n  {name} {message}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { " " };
            write!(f, "{separator}{name}={value}")?;
        }
        Ok(())
    }
}

fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    match unit.trim() {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        "h" => number.checked_mul(3_600).map(Duration::from_secs),
        "d" => number.checked_mul(86_400).map(Duration::from_secs),
        _ => None,
    }
}

/// Hides the password of a URL.
fn redact_url(text: &str) -> String {
    match Url::parse(text) {
        Ok(mut url) => {
            if url.password().is_some() && url.set_password(Some("***")).is_err() {
                return "(set)".to_owned();
            }
            url.to_string()
        }
        Err(_) => "(set, no URL)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn all_problems_are_reported_together_with_their_names() {
        let mut env = Env::from_pairs([("A_PORT", "many"), ("A_TIME", "5"), ("A_FLAG", "perhaps"), ("A_URL", "::")]);
        env.required("A_NAME");
        env.parsed::<u16>("A_PORT", 1);
        env.duration("A_TIME", Duration::ZERO);
        env.flag("A_FLAG", true);
        env.required_url("A_URL");
        env.secret("A_KEY");
        let problems = env.finish().unwrap_err();
        let names: Vec<&str> = problems.0.iter().map(|problem| problem.name.as_str()).collect();
        assert_eq!(names, ["A_NAME", "A_PORT", "A_TIME", "A_FLAG", "A_URL", "A_KEY"]);
        assert!(problems.to_string().contains("\n  A_NAME is not set"));
    }

    #[test]
    fn secrets_and_passwords_are_not_shown() {
        let mut env = Env::from_pairs([("A_KEY", "hush"), ("A_URL", "redis://me:hush@host:1/")]);
        assert_eq!(env.secret("A_KEY").expose_secret(), "hush");
        assert_eq!(env.required_url("A_URL").expose_secret(), "redis://me:hush@host:1/");
        let shown = env.finish().unwrap().to_string();
        assert_eq!(shown, "A_KEY=(set) A_URL=redis://me:***@host:1/");
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        let mut env = Env::from_pairs([("A_NAME", "  "), ("A_LIST", " a, ,b ")]);
        assert_eq!(env.optional("A_NAME"), None);
        assert_eq!(env.list("A_LIST"), ["a", "b"]);
    }

    #[test]
    fn spans_of_time_need_a_unit() {
        for (text, expected) in [
            ("250ms", Some(Duration::from_millis(250))),
            ("7d", Some(Duration::from_secs(604_800))),
            ("5", None),
            ("s", None),
            ("-1s", None),
            ("99999999999999999999s", None),
        ] {
            assert_eq!(parse_duration(text), expected, "{text}");
        }
    }
}
