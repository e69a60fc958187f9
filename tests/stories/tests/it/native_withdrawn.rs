//! What the agents have got is not the bot's any more: a platform that was away is not asked about it later, and what it says
//! to it too late is not said.

use handover_stories::bot::Answer;
use handover_stories::chatlayer::{Chatlayer, Trouble};
use handover_stories::cognigy::{Cognigy, Flow};
use handover_stories::{Bench, Setup};
use serde_json::{Value, json};
use simulated_ringcx::NativeKind;

use crate::native::finish;
use crate::native_silence::time_goes_by;

const TIMERS: &str = "bot_silent = 60\nqueue = 0";

fn read(bench: &Bench, thread: &str) -> Vec<String> {
    let read = bench.read_by_customer(thread).into_iter();
    read.map(|it| it.1).collect()
}

pub(crate) async fn entries(bench: &Bench, thread: &str, event: &str) -> Vec<Value> {
    let timeline = bench.timeline(thread).await;
    timeline
        .into_iter()
        .filter(|entry| entry["what"] == event)
        .collect()
}

/// Nadia writes while the platform is away, until the agents have her; then it is there again.
async fn agents_get_nadia(bench: &Bench, works_again: impl Fn()) -> String {
    let thread = bench.nadia_writes("Book a table");
    time_goes_by(bench, 5).await;
    bench.nadia_writes("For two");
    time_goes_by(bench, 70).await;
    assert_eq!(bench.categories(&thread), ["agent"]);
    works_again();
    bench.until_quiet().await;
    let untold = entries(bench, &thread, "customer_message.not_told").await;
    assert_eq!(untold.len(), 2, "{untold:?}");
    thread
}

/// The agents leave it to the bot without a word, so that it is told after all, once.
async fn agents_leave_nadia(bench: &Bench, thread: &str) {
    let path = format!("/conversations/{thread}/handover");
    bench
        .insist("DELETE", &path, &json!({"cause": "bot_ended"}))
        .await;
    bench.until_quiet().await;
}

#[tokio::test]
async fn a_flow_that_was_away_is_not_asked_about_what_the_agents_have() {
    for endpoint in ["rest", "webhook"] {
        let cognigy = Cognigy::start().await;
        let setup = Setup::default().bot_is(&cognigy.by_its_own_endpoint(endpoint));
        let bench = setup.on(NativeKind::WhatsApp).timers(TIMERS).start().await;
        cognigy.flow(vec![Flow::Status(503); 1_000]);
        let thread = agents_get_nadia(&bench, || cognigy.forget_flow()).await;
        assert_eq!(cognigy.input_texts(), Vec::<String>::new(), "{endpoint}");
        assert_eq!(cognigy.input_states(), ["queue"], "{endpoint}");
        agents_leave_nadia(&bench, &thread).await;
        assert_eq!(cognigy.input_texts(), ["Book a table", "For two"], "{endpoint}");
        finish(bench, &thread).await;
    }
}

#[tokio::test]
async fn chatlayer_is_not_asked_about_what_the_agents_have() {
    let chatlayer = Chatlayer::start().await;
    let setup = chatlayer.on_native_channel().on(NativeKind::WhatsApp);
    let bench = setup.timers(TIMERS).start().await;
    chatlayer.answers(vec![Trouble::Status(503); 1_000]);
    let thread = agents_get_nadia(&bench, || chatlayer.forget_script()).await;
    assert_eq!(chatlayer.input_texts(), Vec::<String>::new());
    agents_leave_nadia(&bench, &thread).await;
    assert_eq!(chatlayer.input_texts(), ["Book a table", "For two"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn a_bot_of_ones_own_is_told_of_all_that_has_a_number() {
    let bench = Setup::default()
        .on(NativeKind::WhatsApp)
        .timers(TIMERS)
        .start()
        .await;
    bench.bot.answers(vec![Answer::Status(503); 20]);
    let thread = bench.nadia_writes("Book a table");
    time_goes_by(&bench, 70).await;
    assert_eq!(bench.categories(&thread), ["agent"]);
    bench.until_quiet().await;
    assert_eq!(bench.heard_texts(), ["Book a table"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn a_late_output_is_not_said_where_the_agents_have_the_person_because_the_flow_was_silent() {
    let cognigy = Cognigy::start().await;
    let setup = Setup::default().bot_is(&cognigy.by_its_own_endpoint("webhook"));
    let bench = setup.on(NativeKind::WhatsApp).timers(TIMERS).start().await;
    let thread = bench.nadia_writes("Book a table");
    time_goes_by(&bench, 70).await;
    assert_eq!(bench.categories(&thread), ["agent"]);
    let late = json!({"text": "It is booked", "data": {}});
    cognigy.outputs(&bench, &thread, "t-1", &late).await.expect(202);
    bench.until_quiet().await;
    assert_eq!(read(&bench, &thread), Vec::<String>::new());
    let accepted = entries(&bench, &thread, "message.accepted").await;
    assert_eq!(
        accepted[0]["outcome"],
        "not said: the agents have the conversation"
    );
    finish(bench, &thread).await;
}

#[tokio::test]
async fn a_late_message_of_chatlayers_is_not_said_either() {
    let chatlayer = Chatlayer::start().await;
    let setup = chatlayer.on_native_channel().on(NativeKind::WhatsApp);
    let bench = setup.timers(TIMERS).start().await;
    let thread = bench.nadia_writes("Book a table");
    time_goes_by(&bench, 70).await;
    assert_eq!(bench.categories(&thread), ["agent"]);
    let late = json!({"text": "It is booked"});
    chatlayer.says(&bench, &thread, 1, &late).await.expect(200);
    bench.until_quiet().await;
    assert_eq!(read(&bench, &thread), Vec::<String>::new());
    finish(bench, &thread).await;
}
