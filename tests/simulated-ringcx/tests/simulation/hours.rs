//! Business hours, as a bridge reads them.

use serde_json::json;
use simulated_ringcx::{Holiday, TimeSheet};

use crate::World;

const NINE_TO_FIVE: &str = "32400-43200,46800-61200";

fn sheet(id: &str, label: &str) -> TimeSheet {
    TimeSheet {
        label: label.to_owned(),
        ..TimeSheet::daily(id, "5f0c000000000000000050c1", NINE_TO_FIVE)
    }
}

#[tokio::test]
async fn a_sheet_tells_hours_and_holidays() {
    let mut support = sheet("5f0c00000000000000005e01", "Support");
    support.timezone = "Europe/Berlin".to_owned();
    support.hours[6] = String::new();
    support.holidays.push(Holiday {
        name: "New Year".to_owned(),
        date: "2026-01-01".to_owned(),
    });
    let world = World::with(|config| config.time_sheets = vec![support]).await;
    let (status, list) = world.rest("GET", "/time_sheets", "").await;
    assert_eq!(
        (status, &list["count"], &list["limit"]),
        (200, &json!(1), &json!(30))
    );
    let record = &list["records"][0];
    assert_eq!(record["label"], "Support");
    assert_eq!(record["active"], true);
    assert_eq!(record["timezone"], "Europe/Berlin");
    assert_eq!(record["source_ids"], json!([world.rce.config().source_id]));
    assert_eq!(record["monday_hours"], NINE_TO_FIVE);
    assert_eq!(record["saturday_hours"], NINE_TO_FIVE);
    assert_eq!(record["sunday_hours"], "", "a closed day");
    assert_eq!(
        record["holidays[]"],
        json!([{"name": "New Year", "date": "2026-01-01"}])
    );
    let one = world
        .rest("GET", "/time_sheets/5f0c00000000000000005e01", "")
        .await;
    assert_eq!(one, (200, record.clone()));
    assert_eq!(
        world
            .rest("GET", "/time_sheets/5f0c00000000000000005eff", "")
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn hours_change_while_it_runs() {
    let world = World::new().await;
    assert_eq!(world.rest("GET", "/time_sheets", "").await.1["count"], 0);
    let mut old = sheet("5f0c00000000000000005e01", "A");
    old.active = false;
    let sheets = vec![
        old,
        sheet("5f0c00000000000000005e02", "C"),
        sheet("5f0c00000000000000005e03", "B"),
    ];
    world.rce.set_time_sheets(sheets);
    let (_, list) = world.rest("GET", "/time_sheets?offset=1&limit=2", "").await;
    assert_eq!(list["count"], 3);
    assert_eq!(list["records"][0]["label"], "C", "{list}");
    assert_eq!(
        list["records"][1]["label"], "A",
        "what is not in force comes last"
    );
}
