use sluice_test_support::builders;

use crate::fixture::Fixture;

#[tokio::test(flavor = "multi_thread")]
async fn logs_of_a_manifest_and_of_a_project_are_paged_through_an_index() {
    let fixture = Fixture::new().await;
    let other = builders::insert_workspace(&mut fixture.pool.get().await.unwrap(), "eve", "http://x").await.unwrap();
    let foreign = fixture.add_manifest(other.group_id, 1).await;
    for (manifest, count) in [(foreign, 20_000), (fixture.manifest_id, 500)] {
        fixture
            .run(&format!(
                "insert into operation_logs (manifest_id, username, action, diffs, created_at)
                 select {manifest}, 'ada', 'manual_edit', '[]', now() - n * interval '1 minute'
                 from generate_series(1, {count}) n"
            ))
            .await;
    }
    fixture.run("vacuum analyze operation_logs").await;
    let (project, manifest) = (fixture.workspace.project_id, fixture.manifest_id);
    for (of, index) in [
        (format!("project_id = {project}"), "operation_logs_project_id"),
        (format!("manifest_id = {manifest}"), "operation_logs_manifest_id"),
    ] {
        let query = format!("select * from operation_logs where {of} order by created_at desc, id desc limit 50");
        let plan = fixture.plan(&query).await;
        assert!(plan.contains(index) && !plan.contains("Sort") && !plan.contains("Seq Scan"), "{query}\n{plan}");
    }
}
