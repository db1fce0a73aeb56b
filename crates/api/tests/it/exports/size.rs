use reqwest::{Response, StatusCode};

use super::{CSV, XLSX, ask, ids, sheet};
use crate::fixture::{Service, code, read, refusal};

/// How many pieces an answer came in, and all of it.
async fn pieces(mut response: Response) -> (usize, Vec<u8>) {
    let (mut count, mut all) = (0, Vec::new());
    while let Some(piece) = response.chunk().await.unwrap() {
        count += 1;
        all.extend_from_slice(&piece);
    }
    (count, all)
}

#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_come_in_pieces_and_one_more_is_refused() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let insert = |from: u32, to: u32| {
        format!(
            "insert into manifests (group_id, storage_key, filename, original_filename, file_size_bytes, file_type, content_type,
                                    content_sha256, created_at, extracted_data)
             select {}, 'key/' || n, n || '.pdf', n || '.pdf', 1, 'pdf', 'application/pdf', lpad(n::text, 64, '0'),
                    '2026-01-01T00:00:00Z'::timestamptz + n / 10 * interval '1 s',
                    jsonb_build_object('number', n, 'text', repeat('lorem ipsum ', 10))
             from generate_series({from}, {to}) n",
            workspace.group_id
        )
    };
    service.sql(&insert(1, 5000)).await;
    let response = ask(&ada, CSV).await;
    assert_eq!((response.status(), response.content_length()), (StatusCode::OK, None));
    let (count, bytes) = pieces(response).await;
    assert!(count > 5, "{count} pieces");
    // Made at the same time, the greater id comes first.
    let newest_first: Vec<i32> = (1..=5000).rev().collect();
    assert_eq!(ids(std::str::from_utf8(&bytes).unwrap()), newest_first);
    let (_, workbook) = pieces(ask(&ada, XLSX).await).await;
    assert_eq!(sheet(&workbook, 1).lines().count(), 5001);

    service.sql(&insert(5001, 5001)).await;
    for path in [CSV, XLSX] {
        let refused = read(ask(&ada, path).await).await;
        assert_eq!(refused.1["error"]["message"], "More than 5000 manifests match, narrow the export by filters");
        assert_eq!(code(refused), refusal(400, "BadRequestException"));
    }
    let some = ask(&ada, &format!("{CSV}?filter[number]=50")).await;
    assert_eq!(some.status(), StatusCode::OK);
}
