//! An invoice as text, for people who look at an uploaded XML and for prompts.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sluice_core::{BoundingBox, Page, TextSource, Word};

use super::{Invoice, Party};

/// The values, one a line; the lines of the invoice as rows.
#[must_use]
pub fn lines(invoice: &Invoice) -> Vec<String> {
    let mut text = Text(Vec::new());
    text.0.push(format!("E-invoice ({})", invoice.syntax));
    text.add("Profile", invoice.profile.as_deref());
    text.add("Number", invoice.number.as_deref());
    text.add("Type code", invoice.type_code.as_deref());
    text.day("Issue date", invoice.issue_date);
    text.day("Due date", invoice.due_date);
    text.day("Delivery date", invoice.delivery_date);
    text.day("Period from", invoice.period_start);
    text.day("Period to", invoice.period_end);
    text.add("Order number", invoice.order_number.as_deref());
    text.add("Contract number", invoice.contract_number.as_deref());
    text.add("Delivery note", invoice.delivery_note_number.as_deref());
    text.add("Buyer reference", invoice.buyer_reference.as_deref());
    text.add("Preceding invoice", invoice.preceding_number.as_deref());
    text.add("Currency", invoice.currency.as_deref());
    text.party("Seller", &invoice.seller);
    text.party("Buyer", &invoice.buyer);
    text.add("IBAN", invoice.payment.iban.as_deref());
    text.add("BIC", invoice.payment.bic.as_deref());
    text.add("Payment terms", invoice.payment.terms.as_deref());
    text.add("Payment reference", invoice.payment.reference.as_deref());
    text.rows(invoice);
    let totals = &invoice.totals;
    text.amount("Sum of lines", totals.lines_net);
    text.amount("Allowances", totals.allowances);
    text.amount("Charges", totals.charges);
    text.amount("Net", totals.net);
    for tax in &invoice.taxes {
        let part =
            |name: &str, number: Option<Decimal>| number.map(|number| format!(" {name} {number}")).unwrap_or_default();
        text.0.push(format!(
            "Tax{}{}{}",
            part("per cent", tax.rate),
            part("of", tax.basis),
            part("amount", tax.amount)
        ));
    }
    text.amount("Tax", totals.tax);
    text.amount("Gross", totals.gross);
    text.amount("Prepaid", totals.prepaid);
    text.amount("Due", totals.due);
    text.add("Note", invoice.note.as_deref());
    text.0
}

/// The values as a page, in letters of one width.
#[must_use]
pub fn page(invoice: &Invoice) -> Page {
    const LETTER: f32 = 6.0;
    const LINE: f32 = 14.0;
    let lines = lines(invoice);
    let (mut words, mut widest, mut y) = (Vec::new(), 0.0_f32, LINE);
    for (number, line) in (0_u32..).zip(&lines) {
        let mut x = LETTER;
        for text in line.split(' ') {
            let width = text.chars().fold(0.0, |width, _| width + LETTER);
            if !text.is_empty() {
                let bounds = BoundingBox { x, y, width, height: LINE };
                words.push(Word { text: text.to_owned(), bounds, confidence: 1.0, line: number });
            }
            x += width + LETTER;
        }
        widest = widest.max(x);
        y += LINE;
    }
    let text = lines.join("\n");
    Page { width: widest, height: y + LINE, words, ..Page::of_text(1, TextSource::TextLayer, text) }
}

struct Text(Vec<String>);

impl Text {
    fn add(&mut self, name: &str, value: Option<&str>) {
        for line in value.into_iter().flat_map(str::lines) {
            self.0.push(format!("{name}: {line}"));
        }
    }

    fn day(&mut self, name: &str, day: Option<NaiveDate>) {
        self.add(name, day.map(|day| day.to_string()).as_deref());
    }

    fn amount(&mut self, name: &str, amount: Option<Decimal>) {
        self.add(name, amount.map(|amount| amount.to_string()).as_deref());
    }

    fn party(&mut self, who: &str, party: &Party) {
        self.add(who, party.name.as_deref());
        for street in &party.streets {
            self.add(&format!("{who} street"), Some(street));
        }
        self.add(&format!("{who} postcode"), party.postcode.as_deref());
        self.add(&format!("{who} city"), party.city.as_deref());
        self.add(&format!("{who} country"), party.country.as_deref());
        self.add(&format!("{who} VAT id"), party.vat_id.as_deref());
        self.add(&format!("{who} tax number"), party.tax_number.as_deref());
    }

    fn rows(&mut self, invoice: &Invoice) {
        if !invoice.lines.is_empty() {
            self.0.push("| No. | Code | Item | Quantity | Unit | Unit price | Tax % | Amount |".to_owned());
        }
        for line in &invoice.lines {
            let text = |text: &Option<String>| text.clone().unwrap_or_default().replace('|', "/");
            let number =
                |number: Option<Decimal>| number.map(|number| number.normalize().to_string()).unwrap_or_default();
            let cells = [
                text(&line.number),
                text(&line.code),
                text(&line.name),
                number(line.quantity),
                text(&line.unit),
                number(line.unit_price),
                number(line.tax_rate),
                line.amount.map(|amount| amount.to_string()).unwrap_or_default(),
            ];
            self.0.push(format!("| {} |", cells.join(" | ")));
        }
    }
}
