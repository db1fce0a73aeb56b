use serde_json::{Map, json};
use sluice_core::{Page, Word};

use super::*;
use crate::grounding::drawing::Drawing;
use crate::grounding::ground;
use crate::scoring::auroc;

fn citation(path: &str, match_kind: MatchKind, confidence: f32) -> Citation {
    let text = Some("x".to_owned());
    Citation {
        path: path.to_owned(),
        page: Some(1),
        bounds: None,
        match_kind,
        text,
        confidence: Some(confidence),
        alternatives: 0,
    }
}

fn one(citation: Citation, issues: &[Issue], corroborated: &[&str], logprob: Option<f64>) -> FieldConfidence {
    let logprobs = logprob.map(|value| (citation.path.clone(), value)).into_iter().collect();
    let evidence = Evidence {
        data: &json!({"total": 105}),
        required: &[],
        citations: &[citation],
        issues,
        corroborated: &corroborated.iter().map(|path| (*path).to_owned()).collect(),
        logprobs: &logprobs,
        is_structured: false,
    };
    assess(&evidence).fields.remove(0)
}

#[test]
fn evidence_moves_the_confidence_and_gives_reasons() {
    let plain = one(citation("total", MatchKind::Exact, 1.0), &[], &[], None);
    assert!(plain.confidence > 0.95 && plain.reasons.is_empty(), "{plain:?}");
    let shaky = one(citation("total", MatchKind::Exact, 0.41), &[], &[], None);
    assert_eq!(shaky.reasons, ["OCR confidence 0.41"]);
    let issue = Issue::error("total".to_owned(), "lines sum to 100, the total says 105".to_owned());
    let wrong = one(citation("total", MatchKind::Exact, 1.0), std::slice::from_ref(&issue), &[], None);
    assert_eq!(wrong.reasons, ["lines sum to 100, the total says 105"]);
    let absent = Citation { confidence: None, text: None, ..citation("total", MatchKind::NotFound, 1.0) };
    let absent = one(absent, &[], &[], None);
    assert_eq!(absent.reasons, ["not found on the page"]);
    let misread =
        one(Citation { text: Some("IO5".to_owned()), ..citation("total", MatchKind::Fuzzy, 1.0) }, &[], &[], None);
    assert_eq!(misread.reasons, ["read as \"IO5\" on the page, for \"105\""]);
    let summed = one(citation("total", MatchKind::Exact, 0.41), &[], &["total"], None);
    let guessed = one(citation("total", MatchKind::Exact, 1.0), &[], &[], Some(0.5_f64.ln()));
    let order = [
        absent.confidence,
        misread.confidence,
        wrong.confidence,
        shaky.confidence,
        summed.confidence,
        plain.confidence,
    ];
    assert!(order.first().zip(order.get(1)).is_some_and(|(a, b)| a < b), "{order:?}");
    assert!(
        summed.confidence > shaky.confidence
            && plain.confidence > summed.confidence
            && guessed.confidence < plain.confidence
    );
    assert_eq!(guessed.reasons, ["the model was 50 % sure"]);
}

#[test]
fn required_fields_decide_the_document_and_absent_ones_cost() {
    let confidence = |kinds: &[(&str, MatchKind)], required: &[&str], data: &Value| {
        let citations: Vec<Citation> = kinds.iter().map(|(path, kind)| citation(path, *kind, 1.0)).collect();
        let required: Vec<String> = required.iter().map(|path| (*path).to_owned()).collect();
        let (corroborated, logprobs) = (BTreeSet::new(), BTreeMap::new());
        let (citations, corroborated, logprobs) = (&citations, &corroborated, &logprobs);
        assess(&Evidence {
            data,
            required: &required,
            citations,
            issues: &[],
            corroborated,
            logprobs,
            is_structured: false,
        })
        .confidence
    };
    let data = json!({"a": 1, "b": 2, "items": [{"x": 1}]});
    let sure = confidence(&[("a", MatchKind::Exact), ("b", MatchKind::Exact)], &["a"], &data);
    assert!(sure > 0.94, "{sure}");
    let optional = confidence(&[("a", MatchKind::Exact), ("b", MatchKind::NotFound)], &["a"], &data);
    let required = confidence(&[("a", MatchKind::NotFound), ("b", MatchKind::Exact)], &["a"], &data);
    assert!(required < optional && optional < sure && required < 0.3, "{required} {optional} {sure}");
    let missing = confidence(&[("b", MatchKind::Exact)], &["gone"], &data);
    assert!(missing < 0.4, "{missing}");
    // A long list weighs no more than a short one.
    let rows: Vec<String> = (0..300).map(|row| format!("items.{row}.x")).collect();
    let mut long: Vec<(&str, MatchKind)> = rows.iter().map(|path| (path.as_str(), MatchKind::Exact)).collect();
    long.push(("a", MatchKind::NotFound));
    let difference = confidence(&long, &["a"], &data)
        - confidence(&[("items.0.x", MatchKind::Exact), ("a", MatchKind::NotFound)], &["a"], &data);
    assert!(difference.abs() < 1e-9);
    assert!(confidence(&[], &[], &json!({})).abs() < f64::EPSILON);
}

/// Numbers that look like chance and are the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn one_of<T: Copy>(&mut self, options: &[T]) -> T {
        let count = u64::try_from(options.len()).unwrap();
        options[usize::try_from(self.below(count)).unwrap()]
    }

    fn happens(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

const NAMES: [&str; 6] =
    ["Harbour Supplies Ltd", "Nordwind GmbH", "Atelier Bleu SARL", "Ropes and More Inc", "Molen BV", "Seewerk AG"];
const GOODS: [&str; 6] =
    ["Rope 20 m", "Anchor galvanized", "Hour of work", "Shackle steel", "Paint blue 5 l", "Freight"];

fn cents(value: u64) -> String {
    format!("{}.{:02}", value / 100, value % 100)
}

/// An invoice whose sums meet: what is printed at each path.
fn invoice(chance: &mut Chance) -> Vec<(String, String)> {
    let mut printed = vec![
        ("number".to_owned(), format!("INV-{}", 1000 + chance.below(9000))),
        ("date".to_owned(), format!("2026-{:02}-{:02}", 1 + chance.below(12), 1 + chance.below(28))),
        ("seller".to_owned(), chance.one_of(&NAMES).to_owned()),
        ("vat_id".to_owned(), format!("DE{}", 100_000_000 + chance.below(900_000_000))),
    ];
    let mut net = 0;
    for row in 0..3 + chance.below(5) {
        let (quantity, price) = (1 + chance.below(12), 100 + chance.below(40_000));
        net += quantity * price;
        printed.push((format!("items.{row}.description"), chance.one_of(&GOODS).to_owned()));
        printed.push((format!("items.{row}.quantity"), quantity.to_string()));
        printed.push((format!("items.{row}.price"), cents(price)));
        printed.push((format!("items.{row}.amount"), cents(quantity * price)));
    }
    let tax = net * 19 / 100;
    printed.push(("net".to_owned(), cents(net)));
    printed.push(("tax".to_owned(), cents(tax)));
    printed.push(("gross".to_owned(), cents(net + tax)));
    printed
}

fn draw(printed: &[(String, String)]) -> Page {
    let mut drawing = Drawing::default();
    let mut y = 40.0;
    for (path, text) in printed {
        let x = match path.rsplit('.').next() {
            Some("quantity") => 260.0,
            Some("price") => 340.0,
            Some("amount") => 440.0,
            _ => {
                y += 20.0;
                if path.starts_with("items.") { 40.0 } else { 160.0 }
            }
        };
        if !path.starts_with("items.") {
            drawing.text(40.0, y, path);
        }
        drawing.text(x, y, text);
    }
    drawing.page(1)
}

/// Misreads words as scans do; a word that was misread is less certain, if the reader knows it.
fn misread(page: &mut Page, chance: &mut Chance, reader_knows: bool) {
    let real = |value: u64| f32::from(u16::try_from(value).unwrap()) / 100.0;
    for word in &mut page.words {
        // Some that are right are uncertain, too.
        word.confidence = real(if chance.happens(6) { 55 + chance.below(25) } else { 84 + chance.below(15) });
        if word.bounds.x > 150.0 && chance.happens(15) {
            let at = usize::try_from(chance.below(u64::try_from(word.text.chars().count()).unwrap())).unwrap();
            word.text = word
                .text
                .chars()
                .enumerate()
                .map(|(place, c)| if place == at { confused(c, chance) } else { c })
                .collect();
            if reader_knows {
                word.confidence = real(25 + chance.below(55));
            }
        }
    }
}

fn confused(c: char, chance: &mut Chance) -> char {
    let options = match c {
        '0' => "O68",
        '1' => "l7I",
        '2' => "Z7",
        '3' => "85",
        '4' => "9A",
        '5' => "S6",
        '6' => "85",
        '7' => "1",
        '8' => "3B6",
        '9' => "4g",
        'e' => "c",
        'o' => "0",
        'l' => "1",
        'i' => "l",
        'S' => "5",
        'B' => "8",
        other => return other,
    };
    let options: Vec<char> = options.chars().collect();
    chance.one_of(&options)
}

/// What a model answers: mostly what the page says, digits put right by guess; sometimes what is nowhere.
fn answer(printed: &str, read: &str, chance: &mut Chance) -> String {
    if chance.happens(5) {
        return printed
            .chars()
            .map(|c| {
                if c.is_ascii_digit() { chance.one_of(&['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) } else { c }
            })
            .collect();
    }
    let is_number = printed.chars().all(|c| c.is_ascii_digit() || c == '.');
    if is_number && read.chars().any(char::is_alphabetic) {
        if chance.happens(60) {
            printed.to_owned()
        } else {
            read.chars().map(|c| if c.is_alphabetic() { '4' } else { c }).collect()
        }
    } else {
        read.to_owned()
    }
}

fn insert(data: &mut Value, path: &str, value: Value) {
    let mut at = data;
    for part in path.split('.') {
        at = match part.parse::<usize>() {
            Ok(row) => {
                if at.is_null() {
                    *at = json!([]);
                }
                let rows = at.as_array_mut().unwrap();
                rows.resize(rows.len().max(row + 1), Value::Null);
                &mut rows[row]
            }
            Err(_) => {
                if at.is_null() {
                    *at = Value::Object(Map::new());
                }
                at.as_object_mut().unwrap().entry(part).or_insert(Value::Null)
            }
        };
    }
    *at = value;
}

/// What the arithmetic of an answer says: what meets, and an issue where something does not.
fn arithmetic(answers: &BTreeMap<String, String>) -> (BTreeSet<String>, Vec<Issue>) {
    let number = |path: &str| answers.get(path).and_then(|text| text.parse::<f64>().ok()).unwrap_or(f64::NAN);
    let (mut meets, mut issues) = (BTreeSet::new(), Vec::new());
    let mut check = |holds: bool, paths: Vec<String>| {
        if holds {
            meets.extend(paths);
        } else if let Some(last) = paths.last() {
            issues
                .push(Issue { severity: Severity::Warning, ..Issue::error(last.clone(), "does not meet".to_owned()) });
        }
    };
    let mut sum = 0.0;
    let mut amounts = Vec::new();
    for row in 0.. {
        let path = |name: &str| format!("items.{row}.{name}");
        if !answers.contains_key(&path("amount")) {
            break;
        }
        let (quantity, price, amount) = (number(&path("quantity")), number(&path("price")), number(&path("amount")));
        check((quantity * price - amount).abs() < 0.006, vec![path("quantity"), path("price"), path("amount")]);
        sum += amount;
        amounts.push(path("amount"));
    }
    amounts.push("net".to_owned());
    check((sum - number("net")).abs() < 0.006, amounts);
    let totals = ["net", "tax", "gross"].map(str::to_owned).to_vec();
    check((number("net") + number("tax") - number("gross")).abs() < 0.006, totals);
    (meets, issues)
}

fn measure(reader_knows: bool, checks_arithmetic: bool) -> (f64, usize, usize) {
    let mut chance = Chance(20_260_314);
    let mut scored = Vec::new();
    for _ in 0..80 {
        let printed = invoice(&mut chance);
        let clean = draw(&printed);
        let mut page = clean.clone();
        misread(&mut page, &mut chance, reader_knows);
        let mut answers = BTreeMap::new();
        let mut data = Value::Null;
        for (path, text) in &printed {
            let read = read_of(text, &clean.words, &page.words, path, &answers);
            let answered = answer(text, &read, &mut chance);
            let is_number = text.chars().all(|c| c.is_ascii_digit() || c == '.');
            let value = match answered.parse::<f64>() {
                Ok(number) if is_number => json!(number),
                _ => json!(answered),
            };
            insert(&mut data, path, value);
            answers.insert(path.clone(), answered);
        }
        let (corroborated, issues) = if checks_arithmetic { arithmetic(&answers) } else { Default::default() };
        let citations = ground(&data, &[page], &json!({}));
        let required = ["number", "gross"].map(str::to_owned);
        let (data, citations, issues, corroborated) = (&data, &citations, &issues, &corroborated);
        let evidence = Evidence {
            data,
            required: &required,
            citations,
            issues,
            corroborated,
            logprobs: &BTreeMap::new(),
            is_structured: false,
        };
        for field in assess(&evidence).fields {
            let truth = &printed.iter().find(|(path, _)| *path == field.path).unwrap().1;
            scored.push((field.confidence, answers[&field.path] == *truth));
        }
    }
    let wrong = scored.iter().filter(|(_, is_right)| !is_right).count();
    (auroc(&scored).unwrap(), wrong, scored.len())
}

/// What is left of a printed text after its words were misread. Equal texts of one page are found in their order.
fn read_of(text: &str, clean: &[Word], read: &[Word], path: &str, earlier: &BTreeMap<String, String>) -> String {
    let wanted: Vec<&str> = text.split(' ').collect();
    let row =
        path.strip_prefix("items.").and_then(|rest| rest.split('.').next()).and_then(|row| row.parse::<usize>().ok());
    let column = match path.rsplit('.').next() {
        Some("quantity") => 260.0,
        Some("price") => 340.0,
        Some("amount") => 440.0,
        Some("description") => 40.0,
        _ => 160.0,
    };
    let line =
        row.map_or(earlier.len() - earlier.keys().filter(|key| key.starts_with("items.")).count(), |row| row + 4);
    let line = if row.is_none() && line >= 4 {
        line + earlier.keys().filter(|key| key.ends_with("amount")).count()
    } else {
        line
    };
    let lines: BTreeSet<u32> = clean.iter().map(|word| word.line).collect();
    let line = lines.into_iter().nth(line).unwrap();
    let start = clean.iter().position(|word| word.line == line && (word.bounds.x - column).abs() < 1.0).unwrap();
    assert_eq!(clean[start].text, wanted[0], "{path}");
    read[start..start + wanted.len()].iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
}

#[test]
fn wrong_values_have_the_lower_confidence() {
    let (knows, wrong, all) = measure(true, true);
    let (alone, ..) = measure(true, false);
    let (unaware, ..) = measure(false, true);
    println!(
        "{wrong} of {all} wrong; AUROC {knows:.3}, without arithmetic {alone:.3}, without OCR confidence {unaware:.3}"
    );
    assert!(wrong > 200, "{wrong} of {all}");
    assert!(knows >= 0.9, "{knows}");
    assert!(alone >= 0.8, "{alone}");
    assert!(unaware >= 0.8, "{unaware}");
}
