//! What a model costs, and cost before.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use sluice_db::models::models::{Model, ModelChanges};

use crate::extract::Fields;
use crate::wire;

/// Prices of a million tokens in US dollars, by what a model's name says. The first that fits counts.
const GUESSES: [(&[&str], f64, f64); 6] = [
    (&["gpt-4o-mini"], 0.15, 0.6),
    (&["gpt-4o"], 2.5, 10.0),
    (&["claude", "3.5"], 3.0, 15.0),
    (&["qwen"], 0.1, 0.1),
    (&["local"], 0.0, 0.0),
    (&["llama"], 0.0, 0.0),
];

/// What a new model probably costs; an admin corrects it.
pub(super) fn guess(name: &str, now: DateTime<Utc>) -> Value {
    let name = name.to_lowercase();
    let found = GUESSES.iter().find(|(words, _, _)| words.iter().all(|word| name.contains(word)));
    found.map_or_else(
        || json!({}),
        |(_, input, output)| {
            let llm = json!({"inputPrice": input, "outputPrice": output, "currency": "USD"});
            json!({"effectiveDate": wire::iso(now), "llm": llm})
        },
    )
}

/// Reads prices.
pub(super) fn read(pricing: &mut Fields) -> Map<String, Value> {
    let llm = pricing.optional_child("llm", |llm| {
        let mut prices = json!({
            "inputPrice": llm.number("inputPrice").min(0.0).required(),
            "outputPrice": llm.number("outputPrice").min(0.0).required(),
            "currency": llm.string("currency").min_length(1).required(),
        });
        read_minimum(llm, &mut prices);
        prices
    });
    let ocr = pricing.optional_child("ocr", |ocr| {
        let mut prices = json!({
            "pricePerPage": ocr.number("pricePerPage").min(0.0).required(),
            "currency": ocr.string("currency").min_length(1).required(),
        });
        read_minimum(ocr, &mut prices);
        prices
    });
    // A client sends back what it was given.
    pricing.string("effectiveDate").optional();
    [("llm", llm), ("ocr", ocr)].into_iter().filter_map(|(name, prices)| Some((name.to_owned(), prices?))).collect()
}

fn read_minimum(fields: &mut Fields, prices: &mut Value) {
    if let (Some(minimum), Value::Object(prices)) = (fields.number("minimumCharge").min(0.0).optional(), prices) {
        prices.insert("minimumCharge".to_owned(), json!(minimum));
    }
}

/// Sets new prices; old ones that cost anything go into the history.
pub(super) fn change(stored: &Model, sent: Map<String, Value>, now: DateTime<Utc>, changes: &mut ModelChanges) {
    let now = wire::iso(now);
    if costs_anything(&stored.pricing) {
        let mut history = stored.pricing_history.as_array().cloned().unwrap_or_default();
        let mut old = stored.pricing.clone();
        if let Value::Object(old) = &mut old {
            old.insert("endDate".to_owned(), json!(now));
        }
        history.push(old);
        changes.pricing_history = Some(Value::Array(history));
    }
    let mut pricing = Map::new();
    pricing.insert("effectiveDate".to_owned(), json!(now));
    pricing.extend(sent);
    changes.pricing = Some(Value::Object(pricing));
}

fn costs_anything(pricing: &Value) -> bool {
    [("llm", "inputPrice"), ("llm", "outputPrice"), ("ocr", "pricePerPage")].iter().any(|(part, price)| {
        pricing.get(part).and_then(|part| part.get(price)).and_then(Value::as_f64).is_some_and(|price| price > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_name_is_looked_for_first() {
        let now = DateTime::from_timestamp(0, 0).unwrap();
        assert_eq!(guess("My GPT-4o-mini", now)["llm"]["inputPrice"], json!(0.15));
        assert_eq!(guess("gpt-4o", now)["llm"]["inputPrice"], json!(2.5));
        assert_eq!(guess("something", now), json!({}));
    }
}
