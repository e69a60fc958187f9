//! Opens conversations and brings them before the agents.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::bail;
use handover_bench::fixtures::{self, bot_call, source_call};
use tokio::task::JoinSet;

use crate::client::Client;
use crate::outside::Outside;
use crate::pause;

/// How long the bridge may take until what was accepted is outside.
const PATIENCE: Duration = Duration::from_mins(1);
/// Numbers of the messages with which agents take their conversations; all others are smaller.
const FIRST_MESSAGES: u64 = 1 << 40;

/// Opens the conversations with a first message each, over `connections` connections.
pub(crate) async fn open(bridge: SocketAddr, names: &[String], connections: usize) -> anyhow::Result<()> {
    let mut workers = JoinSet::new();
    for share in names.chunks(names.len().div_ceil(connections).max(1)) {
        let share = share.to_vec();
        workers.spawn(async move {
            let mut client = Client::connect(bridge).await?;
            for name in share {
                let body = fixtures::customer_message(&format!("hello-{name}"));
                client
                    .expect(&bot_call(&format!("{name}/messages"), body), 202)
                    .await?;
            }
            anyhow::Ok(())
        });
    }
    for worked in workers.join_all().await {
        worked?;
    }
    Ok(())
}

/// Opens conversations, hands them over, and lets an agent write in each; returns when the bot
/// was told. Once for each bridge and outside.
pub(crate) async fn hand_over(bridge: SocketAddr, outside: &Outside, names: &[String]) -> anyhow::Result<()> {
    open(bridge, names, 8).await?;
    let mut client = Client::connect(bridge).await?;
    for name in names {
        let request = bot_call(
            &format!("{name}/handover"),
            br#"{"reason":"wants a human"}"#.to_vec(),
        );
        client.expect(&request, 202).await?;
    }
    wait("conversations in the Agent category", names.len(), || {
        outside.count_moved()
    })
    .await?;
    for (number, name) in (FIRST_MESSAGES..).zip(names) {
        client
            .expect(&source_call(fixtures::agent_message(name, number, 512)), 200)
            .await?;
    }
    wait("first messages of agents at the bot", names.len(), || {
        outside.count_at_bot()
    })
    .await
}

/// Waits until `count` has reached `wanted`.
pub(crate) async fn wait(what: &str, wanted: usize, count: impl Fn() -> usize) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while count() < wanted {
        if Instant::now() > deadline {
            bail!("only {} of {wanted} {what} within {PATIENCE:?}", count());
        }
        pause(Duration::from_millis(10)).await;
    }
    Ok(())
}
