use sluice_test_support::fakes::FakeObjectStore;
use sluice_test_support::{documents, suites};

#[tokio::test]
async fn the_fake_store_passes_its_suite() {
    suites::object_store(&FakeObjectStore::default()).await.unwrap();
}

#[test]
fn drawn_documents_begin_as_what_they_are() {
    assert!(documents::invoice_pdf("1").starts_with(b"%PDF-"));
    assert_ne!(documents::invoice_pdf("1"), documents::invoice_pdf("2"));
    assert!(documents::tiny_png().starts_with(b"\x89PNG"));
}
