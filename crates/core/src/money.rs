//! Money in integers of 1e-9, never a float and never added across currencies.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount in units of 1e-9 of its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NanoAmount(pub i64);

/// The price of a million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenPrice {
    /// Of a million tokens sent.
    pub input: NanoAmount,
    /// Of a million tokens received.
    pub output: NanoAmount,
}

impl NanoAmount {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    const PER_UNIT: f64 = 1e9;

    /// Rounds a decimal to nine places; `None` when it is not finite or beyond ±9.2e9.
    #[must_use]
    pub fn from_f64(value: f64) -> Option<Self> {
        if !value.is_finite() || value.abs() > 9.2e9 {
            return None;
        }
        format!("{:.0}", value * Self::PER_UNIT).parse().ok().map(Self)
    }

    /// The amount as the JSON number that clients see.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    /// The sum; stays at the limit instead of wrapping.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// This price times a count, for prices per page or run.
    #[must_use]
    pub fn times(self, count: u64) -> Self {
        Self(clamp_to_i64(i128::from(self.0) * i128::from(count)))
    }
}

impl TokenPrice {
    /// The cost of a call: each side rounded half up to 1e-9, then added.
    #[must_use]
    pub fn cost(self, input_tokens: u64, output_tokens: u64) -> NanoAmount {
        per_million(self.input, input_tokens).plus(per_million(self.output, output_tokens))
    }
}

fn per_million(price: NanoAmount, tokens: u64) -> NanoAmount {
    let product = i128::from(price.0) * i128::from(tokens);
    NanoAmount(clamp_to_i64((product + 500_000).div_euclid(1_000_000)))
}

fn clamp_to_i64(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

impl std::fmt::Display for NanoAmount {
    /// Writes all nine decimals: `0.010755000`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanos = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
    }
}

impl Serialize for NanoAmount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.to_f64())
    }
}

impl<'de> Deserialize<'de> for NanoAmount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = f64::deserialize(deserializer)?;
        Self::from_f64(value).ok_or_else(|| serde::de::Error::custom("amount out of range"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_a_client_reads_is_what_is_stored(nanos in -1_000_000_000_000_000_i64..1_000_000_000_000_000) {
            let amount = NanoAmount(nanos);
            prop_assert_eq!(NanoAmount::from_f64(amount.to_f64()), Some(amount));
            prop_assert_eq!(amount.to_string().replace('.', "").parse::<i64>().unwrap(), nanos);
        }

        #[test]
        fn sums_do_not_depend_on_their_order(amounts in prop::collection::vec(any::<i32>(), 0..50)) {
            let sum = |amounts: &mut dyn Iterator<Item = &i32>| {
                amounts.fold(NanoAmount::ZERO, |sum, nanos| sum.plus(NanoAmount(i64::from(*nanos))))
            };
            prop_assert_eq!(sum(&mut amounts.iter()), sum(&mut amounts.iter().rev()));
        }

        #[test]
        fn a_million_tokens_cost_their_price(price in 0..9_000_000_000_i64, millions in 0..1_000_u64) {
            let price = TokenPrice { input: NanoAmount(price), output: NanoAmount::ZERO };
            prop_assert_eq!(price.cost(millions * 1_000_000, 0), price.input.times(millions));
        }
    }

    #[test]
    fn two_pages_and_a_call_cost_what_the_original_charged() {
        let pages = NanoAmount::from_f64(0.001).unwrap().times(2);
        let price =
            TokenPrice { input: NanoAmount::from_f64(2.5).unwrap(), output: NanoAmount::from_f64(10.0).unwrap() };
        let call = price.cost(1234, 567);
        assert_eq!(call.to_string(), "0.008755000");
        assert_eq!(pages.plus(call).to_f64(), 0.010755);
    }

    #[test]
    fn halves_round_up_on_each_side() {
        let price = TokenPrice { input: NanoAmount(500_000), output: NanoAmount(499_999) };
        assert_eq!(price.cost(1, 1), NanoAmount(1));
    }

    #[test]
    fn amounts_read_back_from_json() {
        let amount = NanoAmount(10_755_000);
        let json = serde_json::to_string(&amount).unwrap();
        assert_eq!(json, "0.010755");
        assert_eq!(serde_json::from_str::<NanoAmount>(&json).unwrap(), amount);
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        assert_eq!(NanoAmount::from_f64(f64::NAN), None);
        assert_eq!(NanoAmount::from_f64(1e10), None);
    }
}
