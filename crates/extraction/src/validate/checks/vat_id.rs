//! VAT numbers: the form that each country gives them and, where it is published, the check digit.

/// What a number looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may be one.
    Fits,
    /// It has no prefix of a country that is known here.
    Unknown,
    WrongForm,
    WrongCheckDigit,
}

/// Whether the digits of a number, all of them, agree.
type CheckDigit = fn(&str) -> bool;

/// Prefix, forms (`9` is a digit, `A` a letter, `?` either, all else itself), check digit.
type Country = (&'static str, &'static [&'static str], Option<CheckDigit>);

const COUNTRIES: [Country; 30] = [
    ("AT", &["U99999999"], Some(austria)),
    ("BE", &["0999999999", "1999999999"], Some(belgium)),
    ("BG", &["999999999", "9999999999"], None),
    ("CHE", &["999999999", "999999999MWST", "999999999TVA", "999999999IVA"], Some(switzerland)),
    ("CY", &["99999999A"], None),
    ("CZ", &["99999999", "999999999", "9999999999"], None),
    ("DE", &["999999999"], Some(iso_7064)),
    ("DK", &["99999999"], Some(|digits| weighed(digits, &[2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11))),
    ("EE", &["999999999"], Some(|digits| weighed(digits, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10))),
    ("EL", &["999999999"], Some(greece)),
    ("ES", &["?9999999?"], Some(spain)),
    ("FI", &["99999999"], Some(|digits| weighed(digits, &[7, 9, 10, 5, 8, 4, 2, 1]).is_multiple_of(11))),
    ("FR", &["??999999999"], Some(france)),
    ("GB", &["999999999", "999999999999", "GD999", "HA999"], Some(britain)),
    ("HR", &["99999999999"], Some(iso_7064)),
    ("HU", &["99999999"], Some(|digits| weighed(digits, &[9, 7, 3, 1, 9, 7, 3, 1]).is_multiple_of(10))),
    ("IE", &["9999999A", "9999999AA", "9?99999A"], None),
    ("IT", &["99999999999"], Some(luhn)),
    ("LT", &["999999999", "999999999999"], None),
    ("LU", &["99999999"], Some(luxembourg)),
    ("LV", &["99999999999"], None),
    ("MT", &["99999999"], Some(|digits| weighed(digits, &[3, 4, 6, 7, 8, 9, 10, 1]).is_multiple_of(37))),
    ("NL", &["999999999B99"], Some(netherlands)),
    ("PL", &["9999999999"], Some(poland)),
    ("PT", &["999999999"], Some(portugal)),
    ("RO", &["99", "999", "9999", "99999", "999999", "9999999", "99999999", "999999999", "9999999999"], None),
    ("SE", &["999999999999"], Some(|digits| luhn(digits.get(..10).unwrap_or_default()))),
    ("SI", &["99999999"], Some(slovenia)),
    ("SK", &["9999999999"], Some(|digits| digits.parse::<u64>().is_ok_and(|number| number.is_multiple_of(11)))),
    ("XI", &["999999999", "999999999999"], Some(britain)),
];

/// Looks at a number of letters and digits alone, such as `DE136695976`.
pub(super) fn check(compacted: &str) -> Verdict {
    let Some((number, (_, forms, check_digit))) = country_of(compacted) else { return Verdict::Unknown };
    if !forms.iter().any(|form| has_form(number, form)) {
        return Verdict::WrongForm;
    }
    if check_digit.is_none_or(|fits| fits(number)) { Verdict::Fits } else { Verdict::WrongCheckDigit }
}

/// Whether numbers of its country have a check digit that is known here.
pub(super) fn has_check_digit(compacted: &str) -> bool {
    country_of(compacted).is_some_and(|(_, (_, _, check_digit))| check_digit.is_some())
}

fn country_of(compacted: &str) -> Option<(&str, &'static Country)> {
    let found = COUNTRIES.iter().find_map(|country| Some((compacted.strip_prefix(country.0)?, country)));
    // A name that happens to begin so is no number.
    found.filter(|(number, _)| {
        number.bytes().filter(u8::is_ascii_digit).count() * 2 >= number.len() && !number.is_empty()
    })
}

fn has_form(number: &str, form: &str) -> bool {
    number.chars().count() == form.len()
        && number.chars().zip(form.chars()).all(|(character, form)| match form {
            '9' => character.is_ascii_digit(),
            'A' => character.is_ascii_uppercase(),
            '?' => character.is_ascii_digit() || character.is_ascii_uppercase(),
            other => character == other,
        })
}

/// The digits of a text; letters are passed over.
fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|character| character.to_digit(10)).collect()
}

fn weighed(text: &str, weights: &[u32]) -> u32 {
    digits(text).iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

fn number(text: Option<&str>) -> Option<u64> {
    text?.parse().ok()
}

/// ISO 7064, modulus 11,10: Germany and Croatia.
fn iso_7064(text: &str) -> bool {
    let digits = digits(text);
    let Some((last, digits)) = digits.split_last() else { return false };
    let product = digits.iter().fold(10, |product, digit| {
        let sum = (digit + product) % 10;
        2 * (if sum == 0 { 10 } else { sum }) % 11
    });
    (11 - product) % 10 == *last
}

/// Every second digit from the right is doubled.
fn luhn(text: &str) -> bool {
    let sum: u32 = digits(text)
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| if index % 2 == 1 { digit * 2 / 10 + digit * 2 % 10 } else { *digit })
        .sum();
    sum.is_multiple_of(10)
}

fn austria(text: &str) -> bool {
    let digits = digits(text);
    let Some((last, digits)) = digits.split_last() else { return false };
    let sum: u32 = digits
        .iter()
        .enumerate()
        .map(|(index, digit)| if index % 2 == 1 { digit * 2 / 10 + digit * 2 % 10 } else { *digit })
        .sum();
    (96 - sum) % 10 == *last
}

fn belgium(text: &str) -> bool {
    let (Some(body), Some(check)) = (number(text.get(..8)), number(text.get(8..))) else { return false };
    97 - body % 97 == check
}

fn switzerland(text: &str) -> bool {
    let digits = digits(text);
    let sum: u32 = digits.iter().zip([5, 4, 3, 2, 7, 6, 5, 4]).map(|(digit, weight)| digit * weight).sum();
    digits.get(8).is_some_and(|last| (11 - sum % 11) % 11 == *last)
}

fn greece(text: &str) -> bool {
    let sum = weighed(text, &[256, 128, 64, 32, 16, 8, 4, 2]);
    digits(text).last().is_some_and(|last| sum % 11 % 10 == *last)
}

/// Persons have a letter by the remainder of 23, companies a digit or a letter by a sum like Luhn's.
fn spain(text: &str) -> bool {
    const LETTERS: &str = "TRWAGMYFPDXBNJZSQVHLCKE";
    let (Some(first), Some(last)) = (text.chars().next(), text.chars().last()) else { return false };
    let person = |digits: Option<u64>| {
        let position = digits.and_then(|digits| usize::try_from(digits % 23).ok());
        position.and_then(|position| LETTERS.chars().nth(position)) == Some(last)
    };
    let middle = text.get(1..8).unwrap_or_default();
    match first {
        '0'..='9' => person(number(text.get(..8))),
        'X' => person(number(Some(middle))),
        'Y' => person(number(Some(&format!("1{middle}")))),
        'Z' => person(number(Some(&format!("2{middle}")))),
        'K' | 'L' | 'M' => last.is_ascii_uppercase(),
        'A'..='H' | 'J' | 'N' | 'P'..='S' | 'U'..='W' => {
            let sum: u32 = digits(middle)
                .iter()
                .enumerate()
                .map(|(index, digit)| if index % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { *digit })
                .sum();
            let check = (10 - sum % 10) % 10;
            let letter = usize::try_from(check).ok().and_then(|check| "JABCDEFGHI".chars().nth(check));
            last.to_digit(10) == Some(check) || letter == Some(last)
        }
        _ => false,
    }
}

/// Two digits are the key of the nine others; newer keys with letters follow another rule.
fn france(text: &str) -> bool {
    let (Some(key), Some(body)) = (number(text.get(..2)), number(text.get(2..))) else { return true };
    (12 + 3 * (body % 97)) % 97 == key
}

/// The older rule, and the one since 2010.
fn britain(text: &str) -> bool {
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return true;
    }
    let sum = weighed(text, &[8, 7, 6, 5, 4, 3, 2]);
    let check = number(text.get(7..9)).and_then(|check| u32::try_from(check).ok());
    check.is_some_and(|check| (sum + check).is_multiple_of(97) || (sum + check + 55).is_multiple_of(97))
}

fn luxembourg(text: &str) -> bool {
    let (Some(body), Some(check)) = (number(text.get(..6)), number(text.get(6..))) else { return false };
    body % 89 == check
}

/// The number of a company, or since 2020 all of it by the rule of IBANs.
fn netherlands(text: &str) -> bool {
    let sum = weighed(text.get(..8).unwrap_or_default(), &[9, 8, 7, 6, 5, 4, 3, 2]);
    let check = text.chars().nth(8).and_then(|digit| digit.to_digit(10));
    let is_older = check == Some(sum % 11);
    let remainder = format!("NL{text}").chars().try_fold(0, |remainder, character| {
        let value = character.to_digit(36)?;
        Some((remainder * if value > 9 { 100 } else { 10 } + value) % 97)
    });
    is_older || remainder == Some(1)
}

fn poland(text: &str) -> bool {
    let sum = weighed(text, &[6, 5, 7, 2, 3, 4, 5, 6, 7]);
    digits(text).last().is_some_and(|last| sum % 11 == *last)
}

fn portugal(text: &str) -> bool {
    let sum = weighed(text, &[9, 8, 7, 6, 5, 4, 3, 2]);
    let check = 11 - sum % 11;
    digits(text).last().is_some_and(|last| (if check > 9 { 0 } else { check }) == *last)
}

fn slovenia(text: &str) -> bool {
    let sum = weighed(text, &[8, 7, 6, 5, 4, 3, 2]);
    let check = 11 - sum % 11;
    digits(text).last().is_some_and(|last| check != 11 && (if check == 10 { 0 } else { check }) == *last)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that companies publish.
    const GOOD: [&str; 27] = [
        "ATU13585627",
        "BE0428759497",
        "CHE107787577MWST",
        "DE136695976",
        "DK13585628",
        "EE100931558",
        "EL094259216",
        "ESB58378431",
        "ES54362315K",
        "ESX2482300W",
        "ESA28015865",
        "FI20774740",
        "FR40303265045",
        "FR83404833048",
        "FRK7399859412",
        "GB980780684",
        "GB999999973",
        "HR33392005961",
        "HU12892312",
        "IT00743110157",
        "LU15027442",
        "MT11679112",
        "NL004495445B01",
        "PL8567346215",
        "PT501964843",
        "SE123456789701",
        "SK2022749619",
    ];

    #[test]
    fn numbers_that_exist_fit() {
        for number in GOOD.into_iter().chain([
            "SI50223054",
            "NL000099998B57",
            "IE6433435F",
            "CY10259033P",
            "CZ25123891",
            "RO18547290",
            "BG175074752",
        ]) {
            assert_eq!(check(number), Verdict::Fits, "{number}");
        }
    }

    #[test]
    fn one_wrong_digit_is_noticed() {
        for number in GOOD.into_iter().filter(|number| !number.starts_with("FRK")) {
            // Of the digits in the middle: a code at the end may be no part of the sum.
            let at = number.len() / 2;
            let wrong: String = number
                .char_indices()
                .map(|(index, character)| match character.to_digit(10) {
                    Some(digit) if index == at => char::from_digit((digit + 1) % 10, 10).unwrap(),
                    _ => character,
                })
                .collect();
            assert_eq!(check(&wrong), Verdict::WrongCheckDigit, "{number} {wrong}");
        }
    }

    #[test]
    fn forms_are_told_from_numbers_of_other_kinds() {
        for number in ["DE13669597", "ATX13585627", "FR4030326504", "NL004495445C01"] {
            assert_eq!(check(number), Verdict::WrongForm, "{number}");
        }
        for number in ["", "DE", "12345678901", "DELTAGMBH", "US123456789", "ITALIA", "9131000"] {
            assert_eq!(check(number), Verdict::Unknown, "{number}");
        }
    }
}
