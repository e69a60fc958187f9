//! Bot platforms: how each wants to be told what happens to a conversation.
//!
//! | module | owns |
//! |---|---|
//! | [`webhook`] | the generic bot: Standard Webhooks to one URL |
//! | [`body`] | the JSON body of an event, shared by everything that speaks our own event format |
//! | [`answer`] | what an HTTP answer means: taken, busy, refused, gone |

pub mod answer;
pub mod body;
pub mod webhook;

pub use webhook::WebhookBots;
