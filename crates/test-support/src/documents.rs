//! Small documents, drawn here.

/// A PDF with one page per item; each page has the given lines in 12 point Helvetica, from the top.
#[must_use]
pub fn pdf(pages: &[&[&str]]) -> Vec<u8> {
    let pages: Vec<Vec<String>> =
        pages.iter().map(|lines| lines.iter().map(|line| (*line).to_owned()).collect()).collect();
    typeset("Helvetica", "/F1 12 Tf 72 760 Td 18 TL", &pages)
}

/// A PDF as [`pdf`], in 8 point Courier: columns of spaces stay columns, and 70 lines fit on a page.
#[must_use]
pub fn typewritten_pdf(pages: &[Vec<String>]) -> Vec<u8> {
    typeset("Courier", "/F1 8 Tf 40 800 Td 11 TL", pages)
}

fn typeset(font: &str, start: &str, pages: &[Vec<String>]) -> Vec<u8> {
    let mut objects =
        vec![String::new(), String::new(), format!("<< /Type /Font /Subtype /Type1 /BaseFont /{font} >>")];
    let mut kids = String::new();
    for lines in pages {
        let mut content = format!("BT {start}\n");
        for line in lines {
            let escaped = line.replace('\\', "\\\\").replace('(', "\\(").replace(')', "\\)");
            content.push_str(&format!("({escaped}) Tj T*\n"));
        }
        content.push_str("ET");
        objects.push(format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()));
        let content_number = objects.len();
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {content_number} 0 R /Resources << /Font << /F1 3 0 R >> >> >>"
        ));
        kids.push_str(&format!("{} 0 R ", objects.len()));
    }
    if let Some(catalog) = objects.first_mut() {
        *catalog = "<< /Type /Catalog /Pages 2 0 R >>".to_owned();
    }
    if let Some(tree) = objects.get_mut(1) {
        *tree = format!("<< /Type /Pages /Kids [{kids}] /Count {} >>", pages.len());
    }
    assemble(&objects)
}

/// An invoice of one page with a text layer; different numbers give different files.
#[must_use]
pub fn invoice_pdf(number: &str) -> Vec<u8> {
    pdf(&[&[
        "Harbour Supplies Ltd",
        &format!("Invoice {number}"),
        "Date 2026-03-14",
        "Item            Qty   Price   Amount",
        "Rope 20 m         2   12.50    25.00",
        "Anchor            1   80.00    80.00",
        "Total                        105.00",
    ]])
}

/// A valid PNG of one white pixel.
#[must_use]
pub fn tiny_png() -> Vec<u8> {
    const PNG: &[u8] = &[
        0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00,
        0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0x3a, 0x7e, 0x9b, 0x55, 0x00, 0x00, 0x00,
        0x0a, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0xf8, 0x0f, 0x00, 0x01, 0x01, 0x01, 0x00, 0xb1, 0x38, 0xf6,
        0x14, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
    ];
    PNG.to_vec()
}

fn assemble(objects: &[String]) -> Vec<u8> {
    let mut pdf = "%PDF-1.4\n".to_owned();
    let mut table = "0000000000 65535 f \n".to_owned();
    for (index, object) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", pdf.len()));
        pdf.push_str(&format!("{} 0 obj\n{object}\nendobj\n", index + 1));
    }
    let start = pdf.len();
    let count = objects.len() + 1;
    pdf.push_str(&format!(
        "xref\n0 {count}\n{table}trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    ));
    pdf.into_bytes()
}
