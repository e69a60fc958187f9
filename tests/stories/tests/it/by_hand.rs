//! A conversation that an agent has, and webhook events that the test makes up.

use handover_stories::{Bench, Setup};
use serde_json::Value;

pub(crate) async fn by_hand() -> Bench {
    let bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    bench
}

pub(crate) async fn tell(bench: &Bench, event: &Value) {
    assert_eq!(bench.webhook(std::slice::from_ref(event)).await, 200);
    bench.work().await;
}

pub(crate) fn ends(bench: &Bench) -> Vec<u64> {
    let mut taken = bench.bot.taken();
    taken.retain(|heard| heard.kind() == "handover.completed");
    taken.iter().map(handover_stories::Heard::epoch).collect()
}
