//! How long pages take: words set on the grid, and text layers read from a PDF.

use std::io::Write;
use std::path::PathBuf;

use sluice_core::{BoundingBox, FileFormat, ReadOptions, ReadRequest, Word};
use sluice_documents::{Progress, Reader, ReaderConfig, set_on_grid};

fn main() {
    divan::main();
}

/// Words of a dense table, ten a row.
fn words(count: u16) -> Vec<Word> {
    let place = |index: u16| BoundingBox {
        x: f32::from(index % 10) * 60.0,
        y: f32::from(index / 10) * 12.0,
        width: 40.0,
        height: 10.0,
    };
    let word = |index: u16| Word { text: format!("w{index}.00"), bounds: place(index), confidence: 1.0, line: 0 };
    (0..count).map(word).collect()
}

#[divan::bench(args = [100, 1_000, 10_000])]
fn grid(bencher: divan::Bencher<'_, '_>, count: u16) {
    bencher.with_inputs(|| words(count)).bench_values(set_on_grid);
}

/// A PDF of so many pages with forty lines of a table each.
fn pdf(pages: usize) -> Vec<u8> {
    let lines = (0..40).map(|line| format!("(Item {line}   Blue rope, ten metres   3   1.00   3.00) Tj T*\n"));
    let stream = format!("BT /F1 10 Tf 14 TL 50 790 Td\n{}ET", lines.collect::<String>());
    let kids: String = (0..pages).map(|page| format!("{} 0 R ", 4 + page)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Kids [{kids}] /Count {pages} >>"),
        format!("<< /Length {} >>\nstream\n{stream}\nendstream", stream.len()),
    ];
    let font = "<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>";
    let page = format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 3 0 R /Resources {font} >>");
    objects.extend(std::iter::repeat_n(page, pages));
    let mut bytes = b"%PDF-1.7\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (number, object) in (1..).zip(&objects) {
        table.push_str(&format!("{:010} 00000 n \n", bytes.len()));
        bytes.extend_from_slice(format!("{number} 0 obj\n{object}\nendobj\n").as_bytes());
    }
    let start = bytes.len();
    let trailer = format!("trailer << /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n", objects.len() + 1);
    bytes.extend_from_slice(table.as_bytes());
    bytes.extend_from_slice(trailer.as_bytes());
    bytes
}

#[divan::bench(args = [1, 20], sample_count = 5)]
fn text_layer(bencher: divan::Bencher<'_, '_>, pages: usize) {
    let pdfium = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../data/tools/lib/libpdfium.so");
    let path = std::env::temp_dir().join(format!("sluice-bench-{pages}.pdf"));
    let Ok(mut file) = std::fs::File::create(&path) else { return };
    if !pdfium.exists() || file.write_all(&pdf(pages)).is_err() {
        return;
    }
    let reader = Reader::new(ReaderConfig { pdfium, tessdata: None });
    let request = ReadRequest { path, format: FileFormat::Pdf, options: ReadOptions::default(), skip: Vec::new() };
    bencher.bench(|| {
        let mut words = 0;
        let result = reader.read(&request, &mut |progress| {
            if let Progress::Page(page) = progress {
                words += page.words.len();
            }
        });
        (result.is_ok(), words)
    });
}
