//! The values of some data, each with what its schema says of it.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use serde_json::Value;

use super::fold::chunks;
use crate::data_filter::branches;

/// How many parts of a schema are looked at for one field.
const MAX_PARTS: usize = 1_000;

/// One scalar value.
#[derive(Debug)]
pub(crate) struct Leaf<'a> {
    /// Dot path, positions in lists as numbers.
    pub(crate) path: String,
    pub(crate) value: &'a Value,
    /// The list that it is a part of.
    pub(crate) row: Option<Row>,
    /// The path of its object.
    pub(crate) parent: String,
    pub(crate) field: Rc<Field>,
}

/// A place in a list.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// The path of the list.
    pub(crate) list: Rc<str>,
    pub(crate) number: usize,
}

/// What is common to all values of one field.
#[derive(Debug)]
pub(crate) struct Field {
    /// The path with all positions taken out.
    pub(crate) path: String,
    /// Folded words that may label it on a page.
    pub(crate) labels: BTreeSet<String>,
    /// Whether its words are chosen by the schema, not by the document.
    pub(crate) is_chosen: bool,
}

/// All values that are there, in their order.
pub(crate) fn collect<'a>(data: &'a Value, schema: &Value) -> Vec<Leaf<'a>> {
    let mut walk = Walk { schema, leaves: Vec::new(), fields: HashMap::new() };
    if let Value::Object(fields) = data {
        // What the reply says of itself is not on a page.
        for (name, value) in fields.iter().filter(|(name, _)| !name.starts_with('_')) {
            walk.visit(value, name.clone(), &[name], None);
        }
    }
    walk.leaves
}

struct Walk<'a, 's> {
    schema: &'s Value,
    leaves: Vec<Leaf<'a>>,
    fields: HashMap<String, Rc<Field>>,
}

impl<'a> Walk<'a, '_> {
    fn visit(&mut self, value: &'a Value, path: String, names: &[&str], row: Option<&Row>) {
        match value {
            Value::Null => {}
            Value::String(text) if text.trim().is_empty() => {}
            Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                let parent = path.rsplit_once('.').map_or(String::new(), |(parent, _)| parent.to_owned());
                let field = self.field(names);
                self.leaves.push(Leaf { path, value, row: row.cloned(), parent, field });
            }
            Value::Array(items) => {
                let list: Rc<str> = Rc::from(path.as_str());
                for (number, item) in items.iter().enumerate() {
                    // Of lists in lists the outer one has the rows.
                    let own = Row { list: list.clone(), number };
                    self.visit(item, format!("{path}.{number}"), names, Some(row.unwrap_or(&own)));
                }
            }
            Value::Object(fields) => {
                for (name, value) in fields {
                    let names: Vec<&str> = names.iter().copied().chain([name.as_str()]).collect();
                    self.visit(value, format!("{path}.{name}"), &names, row);
                }
            }
        }
    }

    fn field(&mut self, names: &[&str]) -> Rc<Field> {
        let path = names.join(".");
        if let Some(known) = self.fields.get(&path) {
            return known.clone();
        }
        let schemas = of_path(self.schema, names);
        let mut labels: BTreeSet<String> = BTreeSet::new();
        for text in
            names.last().into_iter().copied().chain(schemas.iter().filter_map(|schema| schema.get("title")?.as_str()))
        {
            labels.extend(chunks(&spaced(text)));
        }
        let also: Vec<String> = SYNONYMS
            .iter()
            .filter(|group| group.iter().any(|word| labels.contains(*word)))
            .flat_map(|group| group.iter().map(|word| (*word).to_owned()))
            .collect();
        labels.extend(also);
        let is_chosen = schemas.iter().any(|schema| {
            schema.get("enum").is_some() || schema.get("const").is_some() || super::has_type(schema, "boolean")
        });
        let field = Rc::new(Field { path: path.clone(), labels, is_chosen });
        self.fields.insert(path, field.clone());
        field
    }
}

/// The schemas of a path of names; lists are passed through.
fn of_path<'a>(schema: &'a Value, names: &[&str]) -> Vec<&'a Value> {
    let mut budget = MAX_PARTS;
    let mut parts = into_items(schema, branches(schema, vec![schema], &mut budget), &mut budget);
    for name in names {
        let properties = parts.iter().filter_map(|part| part.get("properties")?.get(*name)).collect();
        parts = into_items(schema, branches(schema, properties, &mut budget), &mut budget);
    }
    parts
}

fn into_items<'a>(schema: &'a Value, mut parts: Vec<&'a Value>, budget: &mut usize) -> Vec<&'a Value> {
    let mut open = parts.clone();
    while !open.is_empty() && *budget > 0 {
        let items = open.iter().filter_map(|part| part.get("items")).collect();
        open = branches(schema, items, budget);
        parts.extend(open.iter().copied());
    }
    parts
}

/// Puts spaces where names in camel case have none.
fn spaced(name: &str) -> String {
    let mut spaced = String::with_capacity(name.len() + 4);
    let mut was_small = false;
    for c in name.chars() {
        if was_small && c.is_uppercase() {
            spaced.push(' ');
        }
        was_small = c.is_lowercase();
        spaced.push(if c == '_' { ' ' } else { c });
    }
    spaced
}

/// Words that documents print for what schemas call by another one.
const SYNONYMS: &[&[&str]] = &[
    &[
        "total",
        "gross",
        "gesamt",
        "gesamtbetrag",
        "gesamtsumme",
        "endbetrag",
        "brutto",
        "bruttobetrag",
        "rechnungsbetrag",
        "ttc",
        "summe",
        "totaal",
        "importe",
        "合",
        "计",
    ],
    &["net", "subtotal", "netto", "nettobetrag", "zwischensumme", "ht", "hors", "base", "subtotaal", "basis"],
    &["tax", "vat", "gst", "mwst", "ust", "umsatzsteuer", "steuer", "steuerbetrag", "tva", "iva", "btw", "税"],
    &[
        "due",
        "payable",
        "balance",
        "zahlbetrag",
        "zahlbar",
        "falligkeit",
        "faellig",
        "fallig",
        "echeance",
        "vencimiento",
        "vervaldatum",
    ],
    &["paid", "prepaid", "bezahlt", "gezahlt", "anzahlung", "regle", "acompte", "tendered", "cash"],
    &["date", "datum", "issue", "rechnungsdatum", "fecha", "data", "日", "期"],
    &["delivery", "liefer", "lieferdatum", "leistungsdatum", "lieferung", "livraison", "entrega"],
    &[
        "number",
        "no",
        "nr",
        "num",
        "numero",
        "nummer",
        "id",
        "rechnungsnummer",
        "rechnungsnr",
        "belegnummer",
        "号",
        "码",
    ],
    &["invoice", "rechnung", "facture", "factura", "fattura", "factuur"],
    &["order", "purchase", "po", "bestellung", "bestellnummer", "auftrag", "commande", "pedido"],
    &[
        "seller",
        "vendor",
        "supplier",
        "merchant",
        "from",
        "verkaufer",
        "lieferant",
        "vendeur",
        "fournisseur",
        "售",
        "销",
    ],
    &["buyer", "customer", "client", "bill", "kunde", "kaufer", "acheteur", "cliente", "购"],
    &["quantity", "qty", "menge", "anzahl", "qte", "quantite", "cantidad", "aantal", "数", "量"],
    &["price", "preis", "einzelpreis", "prix", "unitaire", "precio", "rate", "单", "价", "unit", "prijs"],
    &["amount", "betrag", "gesamt", "total", "montant", "importe", "bedrag", "金", "额", "gesamtpreis", "summe"],
    &[
        "description",
        "item",
        "product",
        "bezeichnung",
        "artikel",
        "beschreibung",
        "designation",
        "descripcion",
        "omschrijving",
        "name",
        "名",
        "称",
    ],
    &["rate", "percent", "satz", "steuersatz", "taux", "率"],
    &["address", "anschrift", "adresse", "direccion", "adres", "地", "址"],
    &["phone", "tel", "telephone", "telefon", "fon"],
    &["time", "uhrzeit", "zeit", "heure", "hora"],
    &["tip", "gratuity", "trinkgeld", "pourboire"],
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_found_at_any_depth_with_their_rows_and_labels() {
        let schema = json!({"properties": {
            "kind": {"enum": ["a", "b"]},
            "rows": {"type": "array", "items": {"$ref": "#/$defs/row"}}},
            "$defs": {"row": {"properties": {"unitPrice": {"type": "number", "title": "Einzelpreis"}}}}});
        let data = json!({"kind": "a", "none": null, "empty": " ", "rows": [{"unitPrice": 1, "tags": ["x"]}], "_extraction_info": {"confidence": 1}});
        let leaves = collect(&data, &schema);
        let paths: Vec<&str> = leaves.iter().map(|leaf| leaf.path.as_str()).collect();
        assert_eq!(paths, ["kind", "rows.0.unitPrice", "rows.0.tags.0"]);
        assert!(leaves[0].field.is_chosen && !leaves[1].field.is_chosen);
        assert!(leaves[1].field.labels.contains("einzelpreis") && leaves[1].field.labels.contains("unit"));
        assert_eq!(leaves[2].row.as_ref().map(|row| (&*row.list, row.number)), Some(("rows", 0)));
        assert_eq!((leaves[1].parent.as_str(), leaves[1].field.path.as_str()), ("rows.0", "rows.unitPrice"));
    }
}
