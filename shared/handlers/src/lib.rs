//! What the bridge answers and what its workers do: request in, response out.
//!
//! Handlers take `http` types and know neither their function nor their listener, so the same code
//! runs behind API Gateway and in one process. Nothing here reads the environment or the clock.
//!
//! | module | owns |
//! |---|---|
//! | [`app`] | the ports, in one cloneable value |
//! | [`config`] | `connections.toml`: reading, checking, all errors at once |
//! | [`routes`] | URL to handler |
//! | [`respond`] | from outcome to HTTP answer |
//! | [`rce`] | the shared URL of the vendors' guides, told apart by header |
//! | [`source_sdk`] | what RCE calls: capabilities, agent messages, queue updates |
//! | [`webhook_intake`] | RCE's webhooks: validation, authentication, queueing |
//! | [`bot_api`] | what bots call |
//! | [`cognigy`] | what Cognigy.AI's transformer kit sends, translated into the bot API |
//! | [`chatlayer`] | Chatlayer's Offloading Webhook, in the bot API's words |
//! | [`operator`] | what operators ask and do, by HTTP and from the command line |
//! | [`work`] | what workers do with a job from a queue |
//! | [`watch`] | sends somebody to look after handovers whose time has come |
//! | [`health`] | what RCE's calls tell of the bridge, and its examination |
//! | [`openapi`] | the description of the bot API |

pub mod app;
pub mod availability;
pub mod bot_api;
pub mod chatlayer;
pub mod cognigy;
pub mod config;
pub mod files;
pub mod health;
pub mod imported;
pub mod openapi;
pub mod operator;
pub mod rce;
pub mod respond;
pub mod routes;
pub mod source_sdk;
pub mod view;
pub mod watch;
pub mod webhook_intake;
pub mod work;

pub use app::App;
