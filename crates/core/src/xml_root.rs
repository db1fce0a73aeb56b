//! Tells e-invoices from other XML by their first bytes, without parsing.

/// Whether a file begins like an e-invoice: XML whose first element is the root of one. What follows is not looked at.
pub(crate) fn is_einvoice(head: &[u8]) -> bool {
    let zeros = head.iter().take(64).filter(|byte| **byte == 0).count();
    let ascii: String = head.iter().filter(|byte| zeros == 0 || **byte != 0).map(|byte| char::from(*byte)).collect();
    let Some(name) = root_name(&ascii) else { return false };
    let local = name.rsplit(':').next().unwrap_or(name);
    matches!(local, "CrossIndustryInvoice" | "CrossIndustryDocument")
        || (matches!(local, "Invoice" | "CreditNote") && ascii.contains("urn:oasis:names:specification:ubl"))
}

/// The name of the first element of a text that may have been cut.
fn root_name(text: &str) -> Option<&str> {
    // Nothing stands before the first element but space and a byte order mark.
    let is_mark = |c: char| matches!(c, '\u{ef}' | '\u{bb}' | '\u{bf}' | '\u{fe}' | '\u{ff}') || c.is_whitespace();
    let mut rest = text.trim_start_matches(is_mark);
    if !rest.starts_with('<') {
        return None;
    }
    loop {
        rest = rest.get(rest.find('<')?..)?;
        if rest.starts_with("<?") {
            rest = rest.get(rest.find("?>")?..)?;
        } else if rest.starts_with("<!--") {
            rest = rest.get(rest.find("-->")?..)?;
        } else {
            let name = rest.strip_prefix('<')?;
            return name.split(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).next();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UBL: &str = "<?xml version=\"1.0\"?>\n<!-- made for a test -->\n<ubl:Invoice xmlns:ubl=\"urn:oasis:names:specification:ubl:schema:xsd:Invoice-2\">";

    #[test]
    fn an_invoice_is_known_by_its_root() {
        assert!(is_einvoice(UBL.as_bytes()) && is_einvoice(b"<rsm:CrossIndustryDocument>"));
        assert!(is_einvoice(&[b"\xef\xbb\xbf", UBL.as_bytes()].concat()));
        let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(UBL.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert!(is_einvoice(&wide));
        for other in [
            "",
            "<",
            "<?xml",
            "<html>",
            "<Invoice xmlns='urn:mine'>",
            "CrossIndustryInvoice",
            "<!-- <CrossIndustryInvoice -->",
            "text before <CrossIndustryInvoice>",
        ] {
            assert!(!is_einvoice(other.as_bytes()), "{other}");
        }
    }
}
