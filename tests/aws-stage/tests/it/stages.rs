//! One text, two stages.

use handover_aws_stage::{AwsStage, LocalStage, Setup, Stage as _, story};

/// Each story on each stage, with these timers; some are about a channel of RCE's own.
macro_rules! both_stages {
    ($timers:expr => $($story:ident)*) => {
        both_stages! { start_with, false, $timers => $($story)* }
    };
    (native $timers:expr => $($story:ident)*) => {
        both_stages! { start_native, true, $timers => $($story)* }
    };
    ($start:ident, $native:expr, $timers:expr => $($story:ident)*) => {$(
        mod $story {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn local() {
                Box::pin(story::$story(LocalStage::$start($timers).await)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn aws() {
                let setup = Setup {
                    timers: $timers,
                    native: $native,
                    ..Setup::default()
                };
                let Some(stage) = AwsStage::start_with(setup).await else {
                    return;
                };
                Box::pin(story::$story(stage)).await;
            }
        }
    )*};
}

both_stages! { "" => there_and_back ended_by_the_bot repeats files order bad_input platforms_doors odd_ids ids_like_addresses }
both_stages! { story::ASKED_OFTEN => a_lost_end }
both_stages! { story::SHORT_QUEUE => nobody_comes }
both_stages! { native "" => native_there_and_back native_lost_answer }
both_stages! { native story::IMPATIENT => native_silence }

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_and_back_behind_the_official_runtime_emulator() {
    let setup = Setup {
        official: true,
        ..Setup::default()
    };
    let Some(stage) = AwsStage::start_with(setup).await else {
        return;
    };
    Box::pin(story::there_and_back(stage)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_and_back_with_every_body_in_base64() {
    let Some(stage) = AwsStage::start().await else {
        return;
    };
    stage.gateway.encode_everything();
    Box::pin(story::there_and_back(stage)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_is_a_cold_start() {
    let Some(mut stage) = AwsStage::start().await else {
        return;
    };
    stage.world().user_says("c1", "hi").await;
    let before = stage.function("handover-requests").cold_starts();
    stage.restart().await;
    stage.world().user_says("c1", "ho").await;
    assert!(stage.function("handover-requests").cold_starts() > before);
    stage.world().rce_has("c1", "ho").await;
    stage.finish().await;
}
