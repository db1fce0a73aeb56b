//! What reading costs.

use serde_json::{Value, json};

const MODES: [&str; 4] = ["none", "token", "page", "fixed"];
const AMOUNTS: [&str; 5] =
    ["inputPricePerMillionTokens", "outputPricePerMillionTokens", "pricePerPage", "fixedCost", "minimumCharge"];

/// The settings as forms read them.
pub(super) fn forms() -> Value {
    let amount = |label: &str| json!({"type": "number", "required": false, "label": label, "validation": {"min": 0}});
    json!({
        "mode": {"type": "enum", "required": true, "default": "none", "label": "Mode", "validation": {"enum": MODES}},
        "currency": {"type": "string", "required": true, "default": "USD", "label": "Currency"},
        "inputPricePerMillionTokens": amount("Price of a million tokens sent"),
        "outputPricePerMillionTokens": amount("Price of a million tokens received"),
        "pricePerPage": amount("Price of a page"),
        "fixedCost": amount("Price of a run"),
        "minimumCharge": amount("Least price of a run"),
    })
}

/// All that is wrong with some prices.
pub(super) fn problems(pricing: &Value) -> Vec<String> {
    let Some(fields) = pricing.as_object() else {
        return vec!["pricing must be an object".to_owned()];
    };
    let mode = fields.get("mode").and_then(Value::as_str).unwrap_or_default();
    let mut problems = Vec::new();
    if !MODES.contains(&mode) {
        problems.push(format!("pricing.mode must be one of {}", MODES.join(", ")));
    }
    for (name, value) in fields {
        let is_amount = AMOUNTS.contains(&name.as_str());
        if is_amount && !value.is_null() && value.as_f64().is_none_or(|amount| amount < 0.0) {
            problems.push(format!("pricing.{name} must be a number that is not negative"));
        } else if !is_amount && name != "mode" && name != "currency" {
            problems.push(format!("Unknown parameter: pricing.{name}"));
        }
    }
    let needed: &[&str] = match mode {
        "token" => &["inputPricePerMillionTokens", "outputPricePerMillionTokens"],
        "page" => &["pricePerPage"],
        "fixed" => &["fixedCost"],
        _ => &[],
    };
    for name in needed {
        if fields.get(*name).is_none_or(Value::is_null) {
            problems.push(format!("pricing.{name} is required for mode {mode}"));
        }
    }
    let has_currency = fields.get("currency").and_then(Value::as_str).is_some_and(|currency| !currency.is_empty());
    if mode != "none" && !has_currency {
        problems.push(format!("pricing.currency is required for mode {mode}"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mode_needs_its_prices() {
        assert_eq!(problems(&json!({"mode": "none"})), [""; 0]);
        assert_eq!(problems(&json!({"mode": "page", "currency": "USD", "pricePerPage": 0.001})), [""; 0]);
        let cases = [
            json!({"mode": "page", "pricePerPage": 1}),
            json!({"mode": "page", "currency": "USD"}),
            json!({"mode": "token", "currency": "USD", "inputPricePerMillionTokens": 1}),
            json!({"mode": "fixed", "currency": "USD", "fixedCost": -1}),
            json!({"mode": "none", "more": 1}),
            json!({"mode": "odd", "currency": "USD"}),
            json!([]),
        ];
        for pricing in cases {
            assert_eq!(problems(&pricing).len(), 1, "{pricing}");
        }
    }
}
