//! Account numbers, tax numbers and currencies: what has check digits or stands in a list.

use iban::{Iban, ParseIbanError};
use iso_currency::Currency;
use serde_json::Value;

use super::repair::lookalike_texts;
use super::vat_id::{self, Verdict};
use super::{Doubt, Notes};
use crate::concepts::Concept;

const IBAN: &str = "iban";

const VAT_ID: &str = "vat_id";

const CURRENCY: &str = "currency";

/// No IBAN is shorter; what is may be an account number of another kind.
const SHORTEST_IBAN: usize = 15;

pub(super) fn check(notes: &mut Notes<'_>) {
    for concept in [Concept::SellerVatId, Concept::BuyerVatId, Concept::SellerTaxId, Concept::BuyerTaxId] {
        tell(notes, concept, wrong_vat_id);
    }
    tell(notes, Concept::Iban, wrong_iban);
    tell(notes, Concept::Currency, wrong_currency);
}

/// What is wrong with a value: the check, the words, and what may be meant.
type Wrong = (&'static str, String, Option<String>);

fn tell(notes: &mut Notes<'_>, concept: Concept, wrong: impl Fn(&str) -> Option<Wrong>) {
    let Some(text) = notes.concepts.value(notes.data, concept).and_then(Value::as_str) else { return };
    if let (Some((check, problem, suggestion)), Some(path)) = (wrong(text), notes.concepts.path(concept)) {
        let mut doubt = Doubt::new(check, path, format!("{path} {problem}"));
        doubt.actual = Some(text.into());
        doubt.suggestion = suggestion.map(Value::from);
        notes.doubts.push(doubt);
    }
}

/// Letters and digits alone.
fn compact(text: &str) -> String {
    text.chars().filter(|character| character.is_alphanumeric()).collect::<String>().to_uppercase()
}

fn wrong_iban(text: &str) -> Option<Wrong> {
    let compacted = compact(text);
    // Masked numbers are not meant to be right.
    let is_masked = text.contains(['*', '•', '…']) || compacted.contains("XXX");
    if compacted.len() < SHORTEST_IBAN || is_masked {
        return None;
    }
    let problem = match compacted.parse::<Iban>() {
        Ok(_) | Err(ParseIbanError::UnknownCountry(_)) => return None,
        Err(ParseIbanError::InvalidBban(_)) => "has not the form that IBANs of its country have",
        Err(ParseIbanError::InvalidBaseIban { .. }) => "is no IBAN: its check digits do not fit",
    };
    let mut fitting = lookalike_texts(&compacted).into_iter().filter(|candidate| candidate.parse::<Iban>().is_ok());
    let only = fitting.next().filter(|_| fitting.next().is_none());
    Some((IBAN, problem.to_owned(), only))
}

fn wrong_vat_id(text: &str) -> Option<Wrong> {
    let compacted = compact(text);
    let problem = match vat_id::check(&compacted) {
        Verdict::Fits | Verdict::Unknown => return None,
        Verdict::WrongForm => "has not the form that VAT numbers of its country have",
        Verdict::WrongCheckDigit => "is no VAT number: its check digit does not fit",
    };
    // One check digit of ten fits by chance: it says which letter stands for a digit, but not which digit for another.
    let is_misread_letter = vat_id::check(&compacted) == Verdict::WrongForm;
    let fits = |candidate: &String| vat_id::has_check_digit(candidate) && vat_id::check(candidate) == Verdict::Fits;
    let mut fitting = lookalike_texts(&compacted).into_iter().filter(|candidate| is_misread_letter && fits(candidate));
    let only = fitting.next().filter(|_| fitting.next().is_none());
    Some((VAT_ID, problem.to_owned(), only))
}

/// Only what is written as a code can be a wrong one: documents print signs and words too.
fn wrong_currency(text: &str) -> Option<Wrong> {
    let code = text.trim().to_uppercase();
    let is_code = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    let is_wrong = is_code && Currency::from_code(&code).is_none();
    is_wrong.then(|| (CURRENCY, format!("is {code}, which is no currency of ISO 4217"), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ibans_are_told_by_their_check_digits() {
        for good in [
            "DE89 3704 0044 0532 0130 00",
            "GB82WEST12345698765432",
            "fr14 2004 1010 0505 0001 3m02 606",
            "NL91-ABNA-0417-1643-00",
        ] {
            assert_eq!(wrong_iban(good), None, "{good}");
        }
        for ignored in ["12345678", "DE** **** **** **** **30 00", "DE89 XXXX XXXX 0532 0130 00", ""] {
            assert_eq!(wrong_iban(ignored), None, "{ignored}");
        }
        let (check, problem, suggestion) = wrong_iban("DE89 3704 0044 0532 0180 00").unwrap();
        assert_eq!((check, suggestion.as_deref()), ("iban", Some("DE89370400440532013000")));
        assert!(problem.contains("check digits"), "{problem}");
        let (_, _, suggestion) = wrong_iban("DEB9 3704 0044 0532 0130 00").unwrap();
        assert_eq!(suggestion.as_deref(), Some("DE89370400440532013000"));
        assert!(wrong_iban("DE89 3704 0044 0532 0130 0").is_some());
    }

    #[test]
    fn currencies_are_those_of_the_list() {
        for good in ["EUR", "eur", "CNY", "€", "US dollars", "", "XAU"] {
            assert_eq!(wrong_currency(good), None, "{good}");
        }
        for wrong in ["RMB", "EUB", "ABC"] {
            assert!(wrong_currency(wrong).is_some(), "{wrong}");
        }
    }

    #[test]
    fn vat_numbers_are_told_by_their_check_digits() {
        assert_eq!(wrong_vat_id("DE 136 695 976"), None);
        assert_eq!(wrong_vat_id("12/345/67890"), None, "a tax number of another kind");
        let (check, _, suggestion) = wrong_vat_id("DE123456789").unwrap();
        assert_eq!((check, suggestion), ("vat_id", None));
        assert_eq!(wrong_vat_id("DE I36 695 976").unwrap().2.as_deref(), Some("DE136695976"));
        assert!(wrong_vat_id("ATU1358562").unwrap().1.contains("form"));
    }
}
