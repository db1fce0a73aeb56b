//! Values of an invoice in the form that a field of a schema wants.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::{Number, Value};

use crate::schema::has_type;
use crate::validate;

/// A value as the invoice has it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Term {
    /// A name, a number, a code.
    Text(String),
    /// An amount of money.
    Amount(Decimal),
    /// A quantity or a rate, of which only the needed places are written.
    Measure(Decimal),
    /// A day.
    Date(NaiveDate),
    /// Words that say the same, the most usual first.
    Words(Vec<&'static str>),
}

/// How people write days, the most usual first.
const DATE_FORMS: [&str; 7] = ["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%Y%m%d"];

/// The value in the form of a schema; `None` where it has no place there.
pub(super) fn convert(term: &Term, schema: &Value) -> Option<Value> {
    let choices = schema.get("enum").and_then(Value::as_array).cloned();
    let choices = choices.or_else(|| schema.get("const").map(|only| vec![only.clone()]));
    if let Some(choices) = choices {
        return choose(term, &choices);
    }
    let is_open = schema.get("type").is_none();
    let wants_text = has_type(schema, "string");
    let wants_number = has_type(schema, "number");
    let wants_whole = has_type(schema, "integer");
    match term {
        Term::Amount(number) | Term::Measure(number)
            if is_open || wants_number || (wants_whole && number.fract().is_zero()) =>
        {
            json_number(*number)
        }
        Term::Amount(number) if wants_text => Some(Value::String(amount_text(*number))),
        Term::Measure(number) if wants_text => Some(Value::String(number.normalize().to_string())),
        Term::Text(text) if is_open || wants_text => Some(Value::String(text.clone())),
        // A number with a zero in front is no number.
        Term::Text(text) if (wants_number || wants_whole) && !text.starts_with('0') => {
            text.parse::<u64>().ok().map(Value::from)
        }
        Term::Date(date) if is_open || wants_text => Some(Value::String(date_text(*date, schema))),
        Term::Words(words) if is_open || wants_text => words.first().map(|word| Value::String((*word).to_owned())),
        _ => None,
    }
}

fn choose(term: &Term, choices: &[Value]) -> Option<Value> {
    let find = |text: &str| {
        let plain = plain(text);
        choices.iter().find(|choice| choice.as_str().is_some_and(|choice| self::plain(choice) == plain)).cloned()
    };
    match term {
        Term::Text(text) => find(text),
        Term::Words(words) => words.iter().find_map(|word| find(word)),
        Term::Amount(number) | Term::Measure(number) => {
            let value = json_number(*number)?;
            let text = number.normalize().to_string();
            choices
                .iter()
                .find(|choice| choice.as_f64().is_some() && choice.as_f64() == value.as_f64())
                .cloned()
                .or_else(|| find(&text))
        }
        Term::Date(date) => find(&date.to_string()),
    }
}

/// The letters and digits of a word.
fn plain(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn json_number(number: Decimal) -> Option<Value> {
    number.normalize().to_string().parse::<Number>().ok().map(Value::Number)
}

fn amount_text(number: Decimal) -> String {
    let short = number.normalize();
    if short.scale() < 2 { format!("{short:.2}") } else { short.to_string() }
}

/// The day as ISO writes it, or in the first form that a pattern lets pass.
fn date_text(date: NaiveDate, schema: &Value) -> String {
    let iso = date.to_string();
    if schema.get("format").and_then(Value::as_str) == Some("date-time") {
        return format!("{iso}T00:00:00Z");
    }
    if schema.get("pattern").is_none() {
        return iso;
    }
    let Ok(validator) = validate::compile(schema) else { return iso };
    let mut forms = DATE_FORMS.iter().map(|form| date.format(form).to_string());
    forms.find(|text| validator.is_valid(&Value::String(text.clone()))).unwrap_or(iso)
}
