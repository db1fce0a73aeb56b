use std::time::Duration;

use diesel_async::RunQueryDsl;
use sluice_test_support::{Servers, builders, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn every_database_is_migrated_and_empty() {
    let servers = Servers::shared().unwrap();
    let (first, second) = tokio::join!(servers.database(), servers.database());
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_ne!(first.url, second.url);

    let mut connection = first.pool.get().await.unwrap();
    let workspace = builders::insert_workspace(&mut connection, "alice", "http://127.0.0.1:9/v1").await.unwrap();
    let sha256 = "0".repeat(64);
    builders::insert_manifest(&mut connection, workspace.group_id, "manifests/a/file", &sha256).await.unwrap();

    let mut other = second.pool.get().await.unwrap();
    assert_eq!(builders::insert_user(&mut other, "alice", "user").await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn databases_that_a_crashed_run_left_are_swept() {
    #[derive(Debug, diesel::QueryableByName)]
    struct Left {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        number: i64,
    }
    let servers = Servers::shared().unwrap();
    let mut connection = servers.database().await.unwrap().pool.get().await.unwrap();
    // The name of one made at the beginning of time.
    let old = format!("test_000000000000{}", servers.fresh_name());
    diesel::sql_query(format!("create database {old}")).execute(&mut connection).await.unwrap();
    let pool = servers.database().await.unwrap().pool;
    eventually(Duration::from_secs(60), || async {
        servers.database().await?;
        let query = format!("select count(*) as number from pg_database where datname = '{old}'");
        let left: Left = diesel::sql_query(query).get_result(&mut pool.get().await?).await?;
        anyhow::ensure!(left.number == 0, "it is still there");
        Ok(())
    })
    .await
    .unwrap();
}
