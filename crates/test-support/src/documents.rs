//! Small documents, drawn here.

/// The size of a [`Cell`]'s letters in points.
const CELL_SIZE: f32 = 10.0;
/// The width of a letter of Courier for each point of its size.
const COURIER_WIDTH: f32 = 0.6;
/// The height of an A4 page in points.
const PAGE_HEIGHT: f32 = 842.0;

/// A text somewhere on a page of [`pdf_of_cells`].
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Its left edge, in points from the page's left.
    pub x: f32,
    /// Its top, in points from the page's top.
    pub y: f32,
    /// What it says, in ASCII.
    pub text: String,
}

impl Cell {
    /// A text at a place.
    #[must_use]
    pub fn new(x: f32, y: f32, text: &str) -> Self {
        Self { x, y, text: text.to_owned() }
    }

    /// The rectangle that it is drawn in: left, top, width and height in points.
    #[must_use]
    pub fn bounds(&self) -> [f32; 4] {
        let letters = f32::from(u16::try_from(self.text.chars().count()).unwrap_or(u16::MAX));
        [self.x, self.y, letters * CELL_SIZE * COURIER_WIDTH, CELL_SIZE]
    }
}

/// A PDF with one page per item, each with texts in Courier at known places.
#[must_use]
pub fn pdf_of_cells(pages: &[Vec<Cell>]) -> Vec<u8> {
    let contents = pages.iter().map(|cells| {
        let mut content = format!("BT /F1 {CELL_SIZE} Tf\n");
        for cell in cells {
            // The letters stand on a line four fifths below the top.
            let baseline = PAGE_HEIGHT - cell.y - CELL_SIZE * 0.8;
            content.push_str(&format!("1 0 0 1 {} {baseline} Tm ({}) Tj\n", cell.x, escape(&cell.text)));
        }
        content + "ET"
    });
    pdf_of("Courier", contents)
}

/// A PDF with one page per item; each page has the given lines in 12 point Helvetica, from the top.
#[must_use]
pub fn pdf(pages: &[&[&str]]) -> Vec<u8> {
    let contents = pages.iter().map(|lines| {
        let mut content = "BT /F1 12 Tf 72 760 Td 18 TL\n".to_owned();
        for line in *lines {
            content.push_str(&format!("({}) Tj T*\n", escape(line)));
        }
        content + "ET"
    });
    pdf_of("Helvetica", contents)
}

/// A PDF as [`pdf`], in 8 point Courier: columns of spaces stay columns, and 70 lines fit on a page.
#[must_use]
pub fn typewritten_pdf(pages: &[Vec<String>]) -> Vec<u8> {
    let contents = pages.iter().map(|lines| {
        let mut content = "BT /F1 8 Tf 40 800 Td 11 TL\n".to_owned();
        for line in lines {
            content.push_str(&format!("({}) Tj T*\n", escape(line)));
        }
        content + "ET"
    });
    pdf_of("Courier", contents)
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('(', "\\(").replace(')', "\\)")
}

/// A PDF of pages with these contents, in one of the fonts that every reader has.
fn pdf_of(font: &str, contents: impl Iterator<Item = String>) -> Vec<u8> {
    let font = format!("<< /Type /Font /Subtype /Type1 /BaseFont /{font} >>");
    let mut objects = vec![String::new(), String::new(), font];
    let mut kids = String::new();
    let mut count = 0;
    for content in contents {
        objects.push(format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()));
        let content_number = objects.len();
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {content_number} 0 R /Resources << /Font << /F1 3 0 R >> >> >>"
        ));
        kids.push_str(&format!("{} 0 R ", objects.len()));
        count += 1;
    }
    if let Some(catalog) = objects.first_mut() {
        *catalog = "<< /Type /Catalog /Pages 2 0 R >>".to_owned();
    }
    if let Some(tree) = objects.get_mut(1) {
        *tree = format!("<< /Type /Pages /Kids [{kids}] /Count {count} >>");
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
