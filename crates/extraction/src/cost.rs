//! What a run costs.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sluice_core::{CostBreakdown, NanoAmount, TokenPrice};

/// Tokens that were sent and received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Sent.
    pub input_tokens: u64,
    /// Received.
    pub output_tokens: u64,
    /// Whether we estimated them because the provider told none.
    pub is_estimated: bool,
}

impl Usage {
    /// A quarter of the characters, rounded up, for providers that tell nothing.
    #[must_use]
    pub fn estimate(sent: &str, received: &str) -> Self {
        let tokens = |text: &str| u64::try_from(text.len().div_ceil(4)).unwrap_or(u64::MAX);
        Self { input_tokens: tokens(sent), output_tokens: tokens(received), is_estimated: true }
    }

    /// The most that a call can take: two bytes a token, which no tokenizer needs more of on average, and the longest answer.
    #[must_use]
    pub fn at_most(sent: &str, max_tokens: u32) -> Self {
        let input_tokens = u64::try_from(sent.len().div_ceil(2)).unwrap_or(u64::MAX);
        Self { input_tokens, output_tokens: max_tokens.into(), is_estimated: true }
    }
}

/// What a model's calls cost, from the `pricing` of its row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModelPricing {
    price: TokenPrice,
    minimum: NanoAmount,
    currency: Option<String>,
}

/// What reading pages costs, from the `pricing` of an extractor's settings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExtractorPricing {
    token: TokenPrice,
    per_page: NanoAmount,
    fixed: NanoAmount,
    minimum: NanoAmount,
    currency: Option<String>,
}

impl ModelPricing {
    /// Reads `{llm: {inputPrice, outputPrice, currency, minimumCharge?}}`; prices are per million tokens.
    #[must_use]
    pub fn read(pricing: &Value) -> Self {
        let llm = pricing.get("llm").unwrap_or(&Value::Null);
        Self {
            price: TokenPrice { input: amount(llm, "inputPrice"), output: amount(llm, "outputPrice") },
            minimum: amount(llm, "minimumCharge"),
            currency: text(llm, "currency"),
        }
    }

    /// The cost of one call.
    #[must_use]
    pub fn call(&self, usage: Usage) -> NanoAmount {
        self.price.cost(usage.input_tokens, usage.output_tokens).max(self.minimum)
    }

    /// The currency.
    #[must_use]
    pub fn currency(&self) -> Option<&str> {
        self.currency.as_deref()
    }
}

impl ExtractorPricing {
    /// Reads `{mode: none|page|fixed|token, currency, pricePerPage?, fixedCost?, inputPricePerMillionTokens?,
    /// outputPricePerMillionTokens?, minimumCharge?}`.
    #[must_use]
    pub fn read(pricing: &Value) -> Self {
        let mode = pricing.get("mode").and_then(Value::as_str).unwrap_or("none");
        let when = |wanted: &str, key: &str| if mode == wanted { amount(pricing, key) } else { NanoAmount::ZERO };
        Self {
            token: TokenPrice {
                input: when("token", "inputPricePerMillionTokens"),
                output: when("token", "outputPricePerMillionTokens"),
            },
            per_page: when("page", "pricePerPage"),
            fixed: when("fixed", "fixedCost"),
            minimum: if mode == "none" { NanoAmount::ZERO } else { amount(pricing, "minimumCharge") },
            currency: text(pricing, "currency"),
        }
    }

    /// The cost of reading so many pages with so many tokens; pages that were known cost nothing, and none read with no
    /// token costs nothing at all.
    #[must_use]
    pub fn run(&self, read: u32, usage: Usage) -> NanoAmount {
        if read == 0 && usage.input_tokens == 0 && usage.output_tokens == 0 {
            return NanoAmount::ZERO;
        }
        let tokens = self.token.cost(usage.input_tokens, usage.output_tokens);
        tokens.plus(self.per_page.times(read.into())).plus(self.fixed).max(self.minimum)
    }

    /// [`ExtractorPricing::run`] of a reader that takes no tokens.
    #[must_use]
    pub fn pages(&self, read: u32) -> NanoAmount {
        self.run(read, Usage::default())
    }

    /// The cost of one of several calls of a run that reads page by page: what is charged once is not in it.
    #[must_use]
    pub fn call(&self, pages: u32, usage: Usage) -> NanoAmount {
        self.per_page.times(pages.into()).plus(self.token.cost(usage.input_tokens, usage.output_tokens))
    }

    /// The currency.
    #[must_use]
    pub fn currency(&self) -> Option<&str> {
        self.currency.as_deref()
    }
}

/// Adds up a run. Amounts of different currencies are not added: the total and the currency are absent then.
#[must_use]
pub fn total(
    text: NanoAmount,
    text_currency: Option<&str>,
    llm: NanoAmount,
    llm_currency: Option<&str>,
) -> CostBreakdown {
    let mut currencies: Vec<&str> = [(text, text_currency), (llm, llm_currency)]
        .into_iter()
        .filter(|(amount, _)| *amount > NanoAmount::ZERO)
        .map(|(_, currency)| currency.unwrap_or("unknown"))
        .collect();
    currencies.dedup();
    let currency = match currencies.as_slice() {
        [only] => Some((*only).to_owned()),
        _ => None,
    };
    let total = (currencies.len() < 2).then(|| text.plus(llm));
    CostBreakdown { text, llm, total, currency }
}

fn amount(value: &Value, key: &str) -> NanoAmount {
    value
        .get(key)
        .and_then(Value::as_f64)
        .and_then(NanoAmount::from_f64)
        .filter(|amount| *amount >= NanoAmount::ZERO)
        .unwrap_or_default()
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_original_s_example_costs_the_same() {
        let extractor = ExtractorPricing::read(&json!({"mode": "page", "currency": "USD", "pricePerPage": 0.001}));
        let model = ModelPricing::read(&json!({"llm": {"inputPrice": 2.5, "outputPrice": 10, "currency": "USD"}}));
        let llm = model.call(Usage { input_tokens: 1234, output_tokens: 567, is_estimated: false });
        let cost = total(extractor.pages(2), extractor.currency(), llm, model.currency());
        assert_eq!(cost.total.map(|total| total.to_string()).as_deref(), Some("0.010755000"));
        assert_eq!(cost.currency.as_deref(), Some("USD"));
    }

    #[test]
    fn a_reader_paid_by_tokens_costs_what_it_used() {
        let pricing = json!({"mode": "token", "currency": "USD", "inputPricePerMillionTokens": 2.5,
                             "outputPricePerMillionTokens": 10, "pricePerPage": 9, "minimumCharge": 0.001});
        let pricing = ExtractorPricing::read(&pricing);
        let usage = |input_tokens, output_tokens| Usage { input_tokens, output_tokens, is_estimated: false };
        assert_eq!(pricing.run(2, usage(1234, 567)), NanoAmount(8_755_000));
        assert_eq!(pricing.run(1, usage(1, 1)), NanoAmount(1_000_000), "the minimum");
        assert_eq!(pricing.run(0, usage(1234, 567)), NanoAmount(8_755_000), "a call without a page was paid as well");
        assert_eq!(pricing.run(0, usage(0, 0)), NanoAmount::ZERO);
    }

    #[test]
    fn currencies_are_never_mixed() {
        let (one, two) = (NanoAmount(1), NanoAmount(2));
        let mixed = total(one, Some("EUR"), two, Some("USD"));
        assert_eq!((mixed.total, mixed.currency), (None, None));
        let free_text = total(NanoAmount::ZERO, Some("EUR"), two, Some("USD"));
        assert_eq!((free_text.total, free_text.currency.as_deref()), (Some(two), Some("USD")));
        let nothing = total(NanoAmount::ZERO, Some("EUR"), NanoAmount::ZERO, None);
        assert_eq!((nothing.total, nothing.currency), (Some(NanoAmount::ZERO), None));
        assert_eq!(total(one, None, NanoAmount::ZERO, None).currency.as_deref(), Some("unknown"));
    }

    #[test]
    fn minimum_charges_hold_for_what_was_used() {
        let pricing =
            ExtractorPricing::read(&json!({"mode": "fixed", "fixedCost": 0.5, "minimumCharge": 1, "pricePerPage": 9}));
        assert_eq!(pricing.pages(3), NanoAmount(1_000_000_000));
        assert_eq!(pricing.pages(0), NanoAmount::ZERO);
        assert_eq!(ExtractorPricing::read(&json!({"mode": "none", "minimumCharge": 1})).pages(3), NanoAmount::ZERO);
    }

    #[test]
    fn extractors_that_ask_a_model_are_paid_by_the_token() {
        let mut config = json!({"mode": "token", "currency": "USD", "pricePerPage": 9,
                                "inputPricePerMillionTokens": 2.5, "outputPricePerMillionTokens": 10});
        let pricing = ExtractorPricing::read(&config);
        let usage = Usage { input_tokens: 1234, output_tokens: 567, is_estimated: false };
        assert_eq!(pricing.run(2, usage), NanoAmount(8_755_000));
        assert_eq!((pricing.call(1, usage), pricing.pages(3)), (NanoAmount(8_755_000), NanoAmount::ZERO));
        config["minimumCharge"] = json!(1);
        assert_eq!(ExtractorPricing::read(&config).run(1, usage), NanoAmount(1_000_000_000));
    }
}
