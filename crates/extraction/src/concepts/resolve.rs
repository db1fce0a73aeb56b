//! Gives each concept the field that says it most plainly.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::patterns::{Context, meanings, of_nobody};
use super::walk::{Field, fields};
use super::words::{Words, words};
use super::{Concept, Concepts, Place};
use crate::schema::has_type;

/// What `x-concept` says beats every name.
const TOLD: u8 = 5;
/// Words that say no more of what stands under them than that it belongs to the document.
const NEUTRAL: [&str; 11] =
    ["total", "amount", "invoice", "payment", "bank", "account", "address", "company", "date", "number", "terms"];

pub(super) fn concepts(schema: &Value) -> Concepts {
    let fields = fields(schema);
    let arrays = arrays(&fields);
    let mut claims: Vec<(u8, Concept, usize)> = Vec::new();
    for (place, field) in fields.iter().enumerate() {
        if !field.is_array {
            let found = of_field(field, &arrays).into_iter().filter(|(concept, _)| fits(*concept, field));
            claims.extend(found.map(|(concept, level)| (level, concept, place)));
        }
    }
    let mut taken = assign(&claims);
    prefer_lines(&mut taken, &claims);
    taken.extend(arrays.iter().map(|(place, concept)| (*concept, *place)));
    let leaf_count = fields.iter().filter(|field| !field.is_array).count();
    let places = taken.into_iter().filter_map(|(concept, place)| Some((concept, place_of(&fields, place)?))).collect();
    Concepts { places, leaf_count }
}

fn place_of(fields: &[Field], place: usize) -> Option<Place> {
    let field = fields.get(place)?;
    let local = field.steps.join(".");
    let array = field.array.and_then(|array| fields.get(array)).map(|array| array.steps.join("."));
    let path = array.map_or_else(|| local.clone(), |array| format!("{array}[].{local}"));
    Some(Place { steps: field.steps.clone(), path, local, schema: field.schema.clone() })
}

/// Which arrays hold lines and which taxes. A word that only says that there are rows is enough for one array only.
fn arrays(fields: &[Field]) -> BTreeMap<usize, Concept> {
    let mut best: BTreeMap<Concept, (u8, Vec<usize>)> = BTreeMap::new();
    for (place, field) in fields.iter().enumerate().filter(|(_, field)| field.is_array && field.array.is_none()) {
        let Some((concept, level)) = of_array(field, place, fields) else { continue };
        let entry = best.entry(concept).or_insert((level, Vec::new()));
        match level.cmp(&entry.0) {
            std::cmp::Ordering::Greater => *entry = (level, vec![place]),
            std::cmp::Ordering::Equal => entry.1.push(place),
            std::cmp::Ordering::Less => {}
        }
    }
    let only = |places: Vec<usize>| if let [one] = places.as_slice() { Some(*one) } else { None };
    best.into_iter().filter_map(|(concept, (_, places))| Some((only(places)?, concept))).collect()
}

fn of_array(field: &Field, place: usize, fields: &[Field]) -> Option<(Concept, u8)> {
    if let Some(told) = told(field) {
        return told.is_array().then_some((told, TOLD));
    }
    let rows = || fields.iter().filter(move |row| row.array == Some(place));
    let fitting = |context| {
        let known = rows().filter_map(|row| words(row.steps.last()?)).flat_map(|words| meanings(&words, context));
        known.map(|(concept, _)| concept).collect::<BTreeSet<Concept>>()
    };
    let name = field.steps.last().and_then(|name| words(name)).unwrap_or_default();
    let has = |word| name.contains(word);
    if (has("tax") || has("vat")) && fitting(Context::Tax).contains(&Concept::TaxRate) {
        return Some((Concept::Taxes, 3));
    }
    if has("allowance") || has("charge") || has("payment") || has("tax") || has("vat") {
        return None;
    }
    let lines = fitting(Context::Line);
    if has("line") || has("item") {
        return Some((Concept::Lines, if lines.contains(&Concept::LineDescription) { 3 } else { 2 }));
    }
    let tells = lines.contains(&Concept::LineDescription) && lines.contains(&Concept::LineAmount) && lines.len() > 2;
    tells.then_some((Concept::Lines, 1))
}

fn told(field: &Field) -> Option<Concept> {
    field.concept.as_ref().and_then(|told| serde_json::from_value(told.clone()).ok())
}

fn of_field(field: &Field, arrays: &BTreeMap<usize, Concept>) -> Vec<(Concept, u8)> {
    let row = match field.array.map(|array| arrays.get(&array)) {
        None => None,
        Some(Some(Concept::Taxes)) => Some(Context::Tax),
        Some(Some(_)) => Some(Context::Line),
        Some(None) => return Vec::new(),
    };
    if field.concept.is_some() {
        // A word that is not ours says that the field means something else.
        let array = |context| if context == Context::Tax { Concept::Taxes } else { Concept::Lines };
        let fits = |concept: &Concept| concept.array() == row.map(array) && !concept.is_array();
        return told(field).filter(fits).map(|concept| (concept, TOLD)).into_iter().collect();
    }
    let Some((name, parents)) = field.steps.split_last() else { return Vec::new() };
    let by_name = words(name).map(|name| by_words(&name, parents, row)).unwrap_or_default();
    if !by_name.is_empty() {
        return by_name;
    }
    // A title is written for people and says less surely what is meant.
    let titled = field.title.as_deref().and_then(words).map(|title| by_words(&title, parents, row));
    titled.into_iter().flatten().map(|(concept, _)| (concept, 1)).collect()
}

fn by_words(name: &Words, parents: &[String], row: Option<Context>) -> Vec<(Concept, u8)> {
    let groups: Vec<Words> = parents.iter().map(|parent| words(parent).unwrap_or_else(|| Words::from(["?"]))).collect();
    let mut party = None;
    let mut specific = Words::new();
    for group in groups.iter().chain([name]) {
        party = party_of(group).or(party);
    }
    for group in &groups {
        // What stands in a group that is not understood means nothing, unless its own name says all.
        specific.extend(group.iter().copied().filter(|word| !is_party(word) && !NEUTRAL.contains(word)));
    }
    let own: Words = name.iter().copied().filter(|word| !is_party(word)).collect();
    let context = row.or(party).unwrap_or(Context::Document);
    let with_groups: Words = own.union(&specific).copied().collect();
    let found = meanings(&with_groups, context);
    if !found.is_empty() {
        return found;
    }
    if context == Context::Document {
        let found = of_nobody(&with_groups);
        if !found.is_empty() {
            return found;
        }
        let groups: Words = groups.iter().flatten().copied().collect();
        let found = meanings(&own.union(&groups).copied().collect(), context);
        if !found.is_empty() {
            return found;
        }
    }
    let is_plain = specific.is_empty();
    meanings(&own, context)
        .into_iter()
        .filter(|(concept, level)| is_plain || (*level == 3 && own.len() > 1 && !concept.is_array()))
        .collect()
}

fn is_party(word: &str) -> bool {
    word == "seller" || word == "buyer"
}

/// The party that words name; none where they name both.
fn party_of(words: &Words) -> Option<Context> {
    match (words.contains("seller"), words.contains("buyer")) {
        (true, false) => Some(Context::Seller),
        (false, true) => Some(Context::Buyer),
        _ => None,
    }
}

/// Whether the type of a field can hold a concept.
fn fits(concept: Concept, field: &Field) -> bool {
    let is_number = has_type(&field.schema, "number") || has_type(&field.schema, "integer");
    let is_text = has_type(&field.schema, "string");
    let is_dated = field.schema.get("format").and_then(Value::as_str).is_some_and(|format| format.starts_with("date"));
    let is_unknown = field.schema.get("type").is_none();
    match kind(concept) {
        Kind::Date => is_unknown || (is_text && !is_number),
        Kind::Amount => is_unknown || is_number || (is_text && !is_dated),
        Kind::Text => (is_unknown || is_text || is_number) && !is_dated,
    }
}

enum Kind {
    Date,
    Amount,
    Text,
}

const fn kind(concept: Concept) -> Kind {
    use Concept::*;
    match concept {
        IssueDate | DueDate | DeliveryDate | PeriodStart | PeriodEnd | OrderDate => Kind::Date,
        LinesNet | Allowances | Charges | Net | Tax | Gross | Prepaid | Due | Tip | Rounding | DocumentTaxRate
        | TaxRate | TaxBasis | TaxAmount | LineQuantity | LineUnitPrice | LineDiscount | LineTaxRate
        | LineTaxAmount | LineAmount | LineGross => Kind::Amount,
        _ => Kind::Text,
    }
}

/// Level by level, the plainest first. A concept that two fields claim equally stays without one, and so does a field
/// that could be two concepts equally.
fn assign(claims: &[(u8, Concept, usize)]) -> BTreeMap<Concept, usize> {
    let mut taken: BTreeMap<Concept, usize> = BTreeMap::new();
    let mut blocked: BTreeSet<Concept> = BTreeSet::new();
    let mut used: BTreeSet<usize> = BTreeSet::new();
    for level in (1..=TOLD).rev() {
        let mut here: BTreeMap<Concept, Vec<usize>> = BTreeMap::new();
        for (_, concept, place) in claims.iter().filter(|(of, _, place)| *of == level && !used.contains(place)) {
            if !taken.contains_key(concept) && !blocked.contains(concept) {
                here.entry(*concept).or_default().push(*place);
            }
        }
        for (concept, places) in here {
            match places.as_slice() {
                [one] if !used.contains(one) => {
                    taken.insert(concept, *one);
                    used.insert(*one);
                }
                [_] => {}
                _ => drop(blocked.insert(concept)),
            }
        }
    }
    taken
}

/// A subtotal beside discounts or shipping is the sum of the lines; so it is beside a net amount.
fn prefer_lines(taken: &mut BTreeMap<Concept, usize>, claims: &[(u8, Concept, usize)]) {
    let mut subtotals = claims.iter().filter(|(level, concept, _)| (*level, *concept) == (1, Concept::Net));
    let (Some((_, _, place)), None) = (subtotals.next(), subtotals.next()) else { return };
    if taken.contains_key(&Concept::LinesNet) {
        return;
    }
    let is_net = taken.get(&Concept::Net) == Some(place);
    let has_more = taken.contains_key(&Concept::Allowances) || taken.contains_key(&Concept::Charges);
    if !is_net && !taken.values().any(|used| used == place) {
        taken.insert(Concept::LinesNet, *place);
    } else if is_net && has_more {
        taken.remove(&Concept::Net);
        taken.insert(Concept::LinesNet, *place);
    }
}
