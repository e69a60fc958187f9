//! A short soak, so that the soak itself does not rot. It needs the binary: `cargo build -p engage-handover`.

use clap::Parser as _;
use handover_soak::Options;

#[tokio::test(flavor = "multi_thread")]
async fn a_few_seconds_of_faults_break_no_promise() {
    let options = Options::parse_from([
        "soak",
        "--seconds",
        "10",
        "--conversations",
        "12",
        "--native",
        "4",
        "--seed",
        "20261120",
    ]);
    let report = Box::pin(handover_soak::run(&options)).await;
    let report = report.unwrap_or_else(|error| panic!("not run: {error:#}"));
    assert!(report.is_kept(), "{report}");
}
