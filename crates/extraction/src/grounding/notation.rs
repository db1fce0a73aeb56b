//! Numbers, dates and times in the notations that documents print.

use chrono::NaiveDate;

/// The longest run of characters that is read as a number.
const MAX_NUMBER: usize = 40;

/// A number by its digits, without sign, grouping and needless zeros: `1.234,50` is `1234.5`.
pub(crate) fn canonical(whole: &str, fraction: &str) -> String {
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

/// A JSON number by its digits.
pub(crate) fn of_number(number: &serde_json::Number) -> String {
    let text = number.to_string();
    let text = text.trim_start_matches('-');
    if text.contains(['e', 'E']) {
        // Too large or too small to be printed so; any reading will do.
        return number.as_f64().map_or_else(|| text.to_owned(), |value| plain(&format!("{:.6}", value.abs())));
    }
    plain(text)
}

/// A number with a point and nothing else.
fn plain(text: &str) -> String {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    canonical(whole, fraction)
}

/// A text that is a number and nothing else but a sign, a currency or a percent sign.
pub(crate) fn of_text(text: &str) -> Vec<String> {
    let bare = text.trim_matches(|c: char| !c.is_ascii_digit() && !c.is_alphabetic());
    if bare.is_empty() || !bare.chars().all(|c| c.is_ascii_digit() || is_separator(c)) {
        Vec::new()
    } else {
        readings(bare)
    }
}

/// Whether a character stands between the digits of a number.
pub(crate) const fn is_separator(c: char) -> bool {
    matches!(c, '.' | ',' | '\'' | '’' | ' ' | '\u{a0}' | '\u{202f}')
}

/// What digits with separators may mean: `1.234` is one thousand and more, or a little more than one.
pub(crate) fn readings(text: &str) -> Vec<String> {
    let groups: Vec<&str> = text.split(is_separator).collect();
    let separators: Vec<char> = text.chars().filter(|c| is_separator(*c)).collect();
    let is_digits = |group: &&str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
    if text.len() > MAX_NUMBER || !groups.iter().all(is_digits) {
        return Vec::new();
    }
    let (Some((last, before)), Some(first)) = (groups.split_last(), groups.first()) else { return Vec::new() };
    let Some(final_separator) = separators.last() else { return vec![canonical(last, "")] };
    let as_whole = || canonical(&groups.concat(), "");
    let as_decimal = || canonical(&before.concat(), last);
    let is_grouping = |groups: &[&str]| groups.iter().skip(1).all(|group| matches!(group.len(), 2 | 3));
    let same = separators.iter().filter(|separator| *separator == final_separator).count();
    let can_be_decimal = matches!(final_separator, '.' | ',');
    let mut found = Vec::new();
    if same == separators.len() && last.len() == 3 && first.len() <= 3 && *first != "0" && is_grouping(&groups) {
        found.push(as_whole());
    }
    if can_be_decimal && (same == 1 || last.len() != 3) && is_grouping(before) {
        found.push(as_decimal());
    }
    found
}

/// What a scan makes of digits, turned back: `1O5` is 105. `None` when nothing had to be turned.
pub(crate) fn repair(text: &str) -> Option<String> {
    let mut repaired = String::with_capacity(text.len());
    let (mut digits, mut turned) = (0, 0);
    for c in text.chars() {
        let digit = match c {
            'O' | 'o' | 'Q' | 'D' => '0',
            'l' | 'I' | 'i' | '|' | '!' => '1',
            'Z' | 'z' => '2',
            'A' => '4',
            'S' | 's' => '5',
            'G' | 'b' => '6',
            'B' => '8',
            'g' | 'q' => '9',
            other => other,
        };
        if digit == c {
            if c.is_alphabetic() {
                return None;
            }
            digits += usize::from(c.is_ascii_digit());
        } else {
            turned += 1;
        }
        repaired.push(digit);
    }
    (turned > 0 && digits > 0).then_some(repaired)
}

/// A day in ISO notation, alone or before a time.
pub(crate) fn of_iso_date(text: &str) -> Option<NaiveDate> {
    let day = text.get(..10)?;
    let rest = text.get(10..)?;
    if !rest.is_empty() && !rest.starts_with(['T', ' ']) {
        return None;
    }
    NaiveDate::parse_from_str(day, "%Y-%m-%d").ok()
}

/// A time of day such as `21:54` or `21:54:07`.
pub(crate) fn of_time(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split(':');
    let (hour, minute) = (parts.next()?, parts.next()?);
    let second = parts.next().unwrap_or("00");
    let reads = |part: &str, limit: u32| {
        (matches!(part.len(), 1 | 2) && part.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| part.parse::<u32>().ok())
            .flatten()
            .filter(|value| *value < limit)
    };
    reads(second, 60)?;
    parts.next().is_none().then_some((reads(hour, 24)?, reads(minute, 60)?))
}

/// The days that three numbers may mean, in their printed order.
pub(crate) fn days(first: &str, second: &str, third: &str) -> Vec<NaiveDate> {
    let read = |text: &str| text.parse::<u32>().ok();
    let (Some(a), Some(b), Some(c)) = (read(first), read(second), read(third)) else { return Vec::new() };
    let day = |year: u32, month: u32, day: u32| NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day);
    let mut found = Vec::new();
    if first.len() == 4 {
        found.extend(day(a, b, c));
    } else if let Some(year) = year(third, c) {
        found.extend(day(year, b, a));
        found.extend(day(year, a, b));
        found.dedup();
        if third.len() == 2 && first.len() == 2 {
            found.extend(day(2000 + a, b, c));
        }
    }
    found
}

/// The day of a number, a month and a year.
pub(crate) fn day_of_month(day: &str, month: u32, year_text: &str) -> Option<NaiveDate> {
    let year = year(year_text, year_text.parse().ok()?)?;
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day.parse().ok()?)
}

fn year(text: &str, value: u32) -> Option<u32> {
    match text.len() {
        4 => (1000..3000).contains(&value).then_some(value),
        2 => Some(if value < 80 { 2000 + value } else { 1900 + value }),
        _ => None,
    }
}

/// The month that a folded word names, in any of the languages that use Latin letters here.
pub(crate) fn month(word: &str) -> Option<u32> {
    const MONTHS: [&[&str]; 12] = [
        &[
            "jan", "januar", "january", "janvier", "janv", "enero", "ene", "gennaio", "gen", "januari", "janeiro",
            "stycznia",
        ],
        &[
            "feb",
            "februar",
            "february",
            "fevrier",
            "fevr",
            "fev",
            "febrero",
            "febbraio",
            "februari",
            "fevereiro",
            "lutego",
        ],
        &["mar", "marz", "mrz", "maerz", "march", "mars", "marzo", "maart", "mrt", "maret", "marco", "marca"],
        &["apr", "april", "avril", "avr", "abril", "abr", "aprile", "kwietnia"],
        &["may", "mai", "mayo", "maggio", "mag", "mei", "maio", "maja"],
        &["jun", "juni", "june", "juin", "junio", "giugno", "giu", "junho", "czerwca"],
        &["jul", "juli", "july", "juillet", "juil", "julio", "luglio", "lug", "julho", "lipca"],
        &["aug", "august", "aout", "agosto", "ago", "augustus", "agustus", "agu", "ags", "sierpnia"],
        &["sep", "sept", "september", "septembre", "septiembre", "settembre", "set", "setembro", "wrzesnia"],
        &["oct", "okt", "oktober", "october", "octobre", "octubre", "ottobre", "ott", "outubro", "out", "pazdziernika"],
        &["nov", "november", "novembre", "noviembre", "novembro", "nop", "listopada"],
        &[
            "dec",
            "dez",
            "dezember",
            "december",
            "decembre",
            "diciembre",
            "dic",
            "dicembre",
            "des",
            "desember",
            "dezembro",
            "grudnia",
        ],
    ];
    (1..).zip(MONTHS).find(|(_, names)| names.contains(&word)).map(|(number, _)| number)
}

/// Codes of units (UN/ECE Recommendation 20) that documents carry and print as words.
pub(crate) const UNIT_CODES: [&str; 24] = [
    "ANN", "C62", "CMT", "DAY", "E48", "GRM", "H87", "HUR", "KGM", "KMT", "KWH", "LS", "LTR", "MIN", "MMT", "MON",
    "MTK", "MTQ", "MTR", "NAR", "PCE", "SET", "TNE", "XPP",
];

/// What a page may show for a code of a currency: signs, and folded words.
pub(crate) fn currency_marks(code: &str) -> &'static [&'static str] {
    match code {
        "EUR" => &["€", "euro", "euros"],
        "USD" => &["$", "dollar", "dollars"],
        "GBP" => &["£", "pound", "pounds"],
        "JPY" => &["¥", "￥", "円"],
        "CNY" => &["¥", "￥", "元", "rmb", "人民币"],
        "INR" => &["₹", "rs"],
        "KRW" => &["₩"],
        "CHF" => &["fr", "sfr", "franken"],
        "PLN" => &["zł"],
        "MYR" => &["rm"],
        "IDR" => &["rp"],
        "CAD" | "AUD" | "NZD" | "SGD" | "HKD" | "MXN" => &["$"],
        "BRL" => &["r$"],
        "SEK" | "NOK" | "DKK" => &["kr"],
        "CZK" => &["kč"],
        "RUB" => &["₽"],
        "TRY" => &["₺"],
        "ILS" => &["₪"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_their_notations() {
        for (text, expected) in [
            ("105", vec!["105"]),
            ("105.00", vec!["105"]),
            ("1.234,56", vec!["1234.56"]),
            ("1,234.56", vec!["1234.56"]),
            ("1'234.50", vec!["1234.5"]),
            ("1.234", vec!["1234", "1.234"]),
            ("0,123", vec!["0.123"]),
            ("1.234.567", vec!["1234567"]),
            ("7,08,000.00", vec!["708000"]),
            ("1 234,5", vec!["1234.5"]),
            ("1.01488", vec!["1.01488"]),
            ("1..2", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(readings(text), expected, "{text}");
        }
        assert_eq!(of_text("€ 1.234,56-"), ["1234.56"]);
        assert_eq!(of_text("A12"), Vec::<String>::new());
        let number = |text: &str| of_number(&serde_json::from_str(text).unwrap());
        assert_eq!(
            (number("-105.0"), number("1.01488"), number("1e3")),
            ("105".into(), "1.01488".into(), "1000".into())
        );
    }

    #[test]
    fn misread_digits_are_turned_back_and_words_are_not() {
        assert_eq!(repair("1O5,OO").as_deref(), Some("105,00"));
        assert_eq!(repair("105"), None);
        assert_eq!(repair("SO"), None);
        assert_eq!(repair("R5"), None);
    }

    #[test]
    fn days_and_times() {
        let iso = |text: &str| of_iso_date(text).unwrap();
        assert_eq!(days("05", "03", "2018"), [iso("2018-03-05"), iso("2018-05-03")]);
        assert_eq!(days("25", "03", "18").first(), Some(&iso("2018-03-25")));
        assert_eq!(days("2018", "03", "25"), [iso("2018-03-25")]);
        assert_eq!(days("2018", "13", "25"), Vec::<NaiveDate>::new());
        assert_eq!(day_of_month("5", 3, "2018"), Some(iso("2018-03-05T10:00:00")));
        assert_eq!((month("marz"), month("juil"), month("markt")), (Some(3), Some(7), None));
        assert_eq!(
            (of_time("9:54"), of_time("21:54:07"), of_time("25:00"), of_time("12")),
            (Some((9, 54)), Some((21, 54)), None, None)
        );
    }
}
