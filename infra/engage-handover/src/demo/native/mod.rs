//! The second tab: people write on a channel that RCE owns, and the bot answers there.
//!
//! The customer's phone shows what RCE delivered and nothing else; the bot hears of a message by the bridge's events
//! and answers through the bridge.
//!
//! | module | owns |
//! |---|---|
//! | `script` | what the bot understands and says on this channel |
//! | `host` | the bot at work, and the customers' phones |
//! | `phone` | what a phone shows, out of what the desk knows |
//! | `web` | its addresses on the demo's server |

mod host;
mod phone;
mod script;
mod web;

pub(super) use host::{Channel, Host};
pub(super) use web::router;
