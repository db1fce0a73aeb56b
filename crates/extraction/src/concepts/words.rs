//! Names of fields as words of one language.

use std::collections::BTreeSet;

/// The words of a name, without order.
pub(super) type Words = BTreeSet<&'static str>;

/// Longer names than this mean nothing.
const MAX_NAME: usize = 80;
const MAX_WORDS: usize = 8;

/// What the words of many languages say: one or more words of ours, and the spellings that stand for them, folded as
/// `fold` does. The first line says nothing.
const VOCABULARY: &[(&str, &str)] = &[
    (
        "",
        "of the a an de der die das des du la le les el los del d l and und et y for fuer per by at in on to von zum zur \
          em info information details detail data full printed sales transaction header our your unser ihr",
    ),
    (
        "invoice",
        "invoice invoices inv rechnung facture factura bill receipt beleg quittung document doc voucher dokument \
                 fattura fatura factuur 发票 收据 ticket documento credit note gutschrift avoir",
    ),
    ("number", "number no nr num nummer numero nro n° nummern no. 号码 编号 号 nbr"),
    ("id", "id identifier ident identifikation identification kennung idnr identificacion identifiant identnummer"),
    ("code", "code codes 代码 codigo"),
    ("type", "type kind typ art tipo 类型 种类"),
    ("date", "date datum fecha data 日期 day dt"),
    (
        "issue date",
        "issuedate ausstellungsdatum issued issuedon rechnungsdatum datefacture 开票日期 emission dateemission belegdatum",
    ),
    ("time", "time uhrzeit heure hora zeit 时间"),
    ("issue", "issue ausstellungs issuing created"),
    ("due", "due faellig faelligkeit faelligkeits echeance vencimiento expiry 到期 zahlungsziel faelliger zahlbar"),
    ("due date", "faelligkeitsdatum zahlbarbis payby paybefore deadline 到期日 dateecheance faelligam"),
    (
        "delivery",
        "delivery liefer lieferung livraison entrega leistung leistungs service supply shipment 交付 交货 liefertermin leistungszeitpunkt",
    ),
    ("delivery date", "lieferdatum leistungsdatum delivered deliveredon servicedate"),
    ("period", "period zeitraum leistungszeitraum periode periodo 期间 abrechnungszeitraum billingperiod"),
    ("start", "start from begin beginn von debut desde inicio ab 开始"),
    ("end", "end until bis ende fin hasta through 结束"),
    ("order", "order bestell bestellung commande pedido po purchase purchaseorder auftrag auftrags orden 订单 bon"),
    ("contract", "contract vertrag vertrags contrat contrato 合同 agreement"),
    ("note", "note notes remark remarks comment comments bemerkung bemerkungen hinweis notiz 备注 kommentar memo"),
    ("slip", "deliverynote lieferschein lieferscheinnummer bondelivraison albaran packingslip"),
    ("preceding", "preceding previous original corrected related bezugs ursprungs 原"),
    ("reference", "reference ref referenz referencia zeichen leitweg"),
    ("currency", "currency waehrung devise moneda monnaie 币种 货币 divisa waehrungscode ccy"),
    ("language", "language sprache langue idioma 语言"),
    (
        "seller",
        "seller vendor supplier merchant issuer biller lieferant lieferanten verkaeufer rechnungssteller aussteller absender \
                kreditor creditor haendler fournisseur vendeur emetteur proveedor vendedor emisor 销售方 销方 卖方 供应商 商户 商家 \
                store shop invoicer provider laden geschaeft comercio commercant sender leverancier",
    ),
    (
        "buyer",
        "buyer customer client kunde kunden kaeufer rechnungsempfaenger empfaenger recipient billto billedto invoiceto debitor \
               debtor acheteur cliente comprador receptor 购买方 购方 买方 客户 invoicee billing purchaser besteller auftraggeber klant destinataire",
    ),
    ("ship", "ship shipto deliverto consignee lieferadresse lieferanschrift empfangs warenempfaenger"),
    ("payee", "payee zahlungsempfaenger beneficiary"),
    ("contact", "contact kontakt ansprechpartner person contacto"),
    ("name", "name namen nom nombre 名称 bezeichnung naam denominacion razonsocial"),
    ("company", "company firma unternehmen firm societe empresa 公司 organization organisation business party"),
    ("address", "address adresse anschrift direccion 地址 addr domicilio adres"),
    (
        "street",
        "street strasse str rue calle street1 line1 addressline1 addressline streetname strassehausnummer hausnummer",
    ),
    ("city", "city ort stadt town ville ciudad 城市 locality wohnort"),
    ("postcode", "postcode postal zip plz postleitzahl zipcode postalcode codepostal 邮编 cp"),
    ("country", "country land pays pais 国家 countrycode laendercode landcode"),
    ("email", "email mail courriel correo 邮箱"),
    ("phone", "phone telephone telefon tel telefono mobile 电话 telefonnummer phonenumber"),
    (
        "registration",
        "registration handelsregister register hrb siret siren handelsregisternummer registernummer companynumber",
    ),
    ("vat", "vat mwst ust tva iva btw gst umsatzsteuer mehrwertsteuer ustid ustidnr vatid vatnumber nif cif"),
    ("tax", "tax taxes steuer steuern taxe impuesto impuestos 税 税务 salestax fiscal finanzamt"),
    ("tax number", "taxnumber steuernummer steuernr stnr 纳税人识别号 统一社会信用代码 税号 gstin taxno"),
    ("tax amount", "税额 steuerbetrag mwstbetrag ustbetrag montanttva"),
    ("rate", "rate satz percent percentage taux tasa prozent tipo 率 pct prozentsatz taxrate"),
    ("tax rate", "税率 steuersatz mwstsatz ustsatz tauxtva"),
    ("basis", "basis base taxable bemessungsgrundlage imponible bemessungs taxbase assiette"),
    ("category", "category kategorie categorie categoria"),
    ("iban", "iban accountiban"),
    ("bic", "bic swift bicswift swiftbic swiftcode biccode"),
    ("bank", "bank banque banco kreditinstitut 开户行 bankname"),
    ("account", "account konto kontoverbindung bankverbindung bankaccount compte cuenta 账号 账户 bankkonto"),
    ("holder", "holder owner inhaber titulaire titular"),
    ("payment", "payment zahlung zahlungs paiement pago 支付 付款 pay paying"),
    ("terms", "terms term bedingungen zahlungsbedingungen conditions condiciones konditionen 条款 zahlungsbedingung"),
    ("method", "method means mode zahlungsart zahlungsweise zahlart 方式 moyen metodo mittel"),
    ("amount", "amount amounts betrag sum summe montant importe value wert 金额 amt bedrag kosten cost costs"),
    (
        "total",
        "total totals totale gesamt gesamtbetrag gesamtsumme overall endbetrag 合计 总计 总额 totaal summary rechnungsbetrag grand grandtotal",
    ),
    ("subtotal", "subtotal zwischensumme soustotal 小计 subtotaal"),
    (
        "net",
        "net netto ht pretax beforetax withouttax excltax exclvat exclusive excl hors nettobetrag sinimpuestos 不含税 horstaxe excludingtax",
    ),
    (
        "gross",
        "gross brutto ttc withtax incltax inclvat inclusive incl bruttobetrag 含税 价税合计 includingtax aftertax includingvat",
    ),
    (
        "paid",
        "paid prepaid prepayment deposit anzahlung bezahlt vorauszahlung acompte advance anticipo gezahlt 已付 pagado paye",
    ),
    ("balance", "balance payable open offen outstanding restbetrag saldo 应付 zahlbetrag owed remaining"),
    (
        "allowance",
        "allowance allowances discount discounts rabatt nachlass remise descuento abzug 折扣 rebate korting abzuege deductions",
    ),
    (
        "charge",
        "charge charges zuschlag zuschlaege surcharge frais shipping freight versand versandkosten fracht handling cargo fee fees 运费 porto gebuehr gebuehren",
    ),
    ("tip", "tip gratuity trinkgeld pourboire propina 小费"),
    ("rounding", "rounding rundung arrondi redondeo roundoff"),
    (
        "line",
        "line lines zeile zeilen ligne lignes linea lineas position positionen positions pos row rows 行 明细 posten lineitem lineitems partidas",
    ),
    (
        "item",
        "item items product products article articles artikel produkt produkte produit produits goods services articulo articulos producto \
              ware waren 项目 商品 货物 entries eintraege leistungen concepto conceptos",
    ),
    ("item name", "货物或应税劳务服务名称"),
    ("description", "description beschreibung text desc designation libelle descripcion artikelbezeichnung 描述 title"),
    ("sku", "sku ean gtin upc mpn artikelnummer artikelnr artnr partnumber partno itemcode productcode 规格型号"),
    ("quantity", "quantity qty menge anzahl quantite cantidad 数量 aantal stueckzahl qte count"),
    (
        "unit",
        "unit units einheit einzel unite unidad 单位 uom stueck each unitaire unitario mengeneinheit measure eenheid unitofmeasure",
    ),
    ("price", "price preis prix precio 价 prijs"),
    ("unit price", "einzelpreis stueckpreis unitprice 单价 puht pu prixunitaire preciounitario unitcost"),
    ("breakdown", "breakdown aufschluesselung aufstellung desglose"),
    ("number line", "positionsnummer posnr"),
];

/// The words of a name; `None` when a part of it is no word that is known here.
pub(super) fn words(name: &str) -> Option<Words> {
    if name.chars().count() > MAX_NAME {
        return None;
    }
    let parts = split(name);
    let whole: String = parts.concat();
    let mut found = Words::new();
    if let Some(words) = exact(&whole) {
        found.extend(words);
        return Some(found);
    }
    let mut rest = parts.as_slice();
    while let Some((part, others)) = rest.split_first() {
        // Words that are written in one here and in two there: `sub_total`, `billTo`.
        let joined = [3, 2].into_iter().find_map(|count| {
            let (head, tail) = rest.split_at_checked(count)?;
            exact(&head.concat()).map(|words| (words, tail))
        });
        if let Some((words, tail)) = joined {
            found.extend(words);
            rest = tail;
        } else {
            found.extend(segment(part, MAX_WORDS).or_else(|| segment(part.strip_suffix('s')?, MAX_WORDS))?);
            rest = others;
        }
    }
    Some(found)
}

fn spellings() -> impl Iterator<Item = (&'static str, &'static str)> {
    VOCABULARY
        .iter()
        .flat_map(|(words, spellings)| spellings.split_whitespace().map(move |spelling| (spelling, *words)))
}

fn exact(part: &str) -> Option<Vec<&'static str>> {
    spellings()
        .find(|(spelling, _)| *spelling == part)
        .map(|(_, words)| words.split(' ').filter(|word| !word.is_empty()).collect())
}

/// Splits a compound into known words: `rechnungsnummer`, `发票号码`. Longer words first.
fn segment(part: &str, left: usize) -> Option<Vec<&'static str>> {
    if let Some(words) = exact(part) {
        return Some(words);
    }
    let left = left.checked_sub(1)?;
    let mut heads: Vec<(&str, &str)> = spellings()
        // Little words join nothing in a compound.
        .filter(|(spelling, words)| !words.is_empty() && part.starts_with(spelling))
        .collect();
    heads.sort_by_key(|(spelling, _)| std::cmp::Reverse(spelling.len()));
    heads.into_iter().find_map(|(spelling, words)| {
        let rest = part.strip_prefix(spelling)?;
        let tail = segment(rest, left).or_else(|| segment(rest.strip_prefix('s')?, left))?;
        Some(words.split(' ').chain(tail).collect())
    })
}

/// Splits at underscores, spaces and capitals, folded: lower case, letters without marks, umlauts written out.
fn split(name: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut is_open = false;
    let mut before = ' ';
    let letters: Vec<char> = name.chars().collect();
    for (place, &letter) in letters.iter().enumerate() {
        if !(letter.is_alphanumeric() || letter == '°') {
            // A mark over the letter before is no end of a word.
            is_open = is_open && ('\u{300}'..'\u{370}').contains(&letter);
            before = letter;
            continue;
        }
        let next_is_small = letters.get(place + 1).is_some_and(|next| next.is_lowercase());
        let starts_capital =
            letter.is_uppercase() && (before.is_lowercase() || (before.is_uppercase() && next_is_small));
        if !is_open || starts_capital || letter.is_ascii_digit() != before.is_ascii_digit() {
            parts.push(String::new());
        }
        is_open = true;
        if let Some(part) = parts.last_mut() {
            for small in letter.to_lowercase() {
                fold(small, part);
            }
        }
        before = letter;
    }
    parts.retain(|part| !part.is_empty());
    parts
}

fn fold(letter: char, into: &mut String) {
    match letter {
        'ä' => into.push_str("ae"),
        'ö' => into.push_str("oe"),
        'ü' => into.push_str("ue"),
        'ß' => into.push_str("ss"),
        'à' | 'á' | 'â' | 'ã' | 'å' => into.push('a'),
        'ç' => into.push('c'),
        'è' | 'é' | 'ê' | 'ë' => into.push('e'),
        'ì' | 'í' | 'î' | 'ï' => into.push('i'),
        'ñ' => into.push('n'),
        'ò' | 'ó' | 'ô' | 'õ' => into.push('o'),
        'ù' | 'ú' | 'û' => into.push('u'),
        other => into.push(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> Vec<&'static str> {
        words(name).map(|words| words.into_iter().collect()).unwrap_or_default()
    }

    #[test]
    fn names_of_many_forms_have_the_same_words() {
        for name in [
            "invoice_number",
            "invoiceNumber",
            "InvoiceNo",
            "Invoice No.",
            "INVOICE NUMBER",
            "Rechnungsnummer",
            "rechnungsNr",
            "发票号码",
            "numéro de facture",
        ] {
            assert_eq!(of(name), ["invoice", "number"], "{name}");
        }
        for name in ["vendorName", "Lieferanten-Name", "supplier_name", "nom du fournisseur", "销售方名称"] {
            assert_eq!(of(name), ["name", "seller"], "{name}");
        }
        assert_eq!(of("IBANNumber"), ["iban", "number"]);
        assert_eq!(of("totalHT"), ["net", "total"]);
        assert_eq!(of("Fälligkeitsdatum"), ["date", "due"]);
    }

    #[test]
    fn unknown_parts_make_a_name_unknown() {
        for name in ["invoice_colour", "x", "", "total2", &"no".repeat(39), &"a".repeat(10_000)] {
            assert_eq!(of(name), Vec::<&str>::new(), "{name}");
        }
    }
}
