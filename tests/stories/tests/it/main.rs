//! Stories that cross functions, one test for each rule of the protocol.

mod agent_messages;
mod agent_words;
mod authentication;
mod availability;
mod bad_input;
mod bot_faults;
mod by_hand;
mod crashes;
mod dead_letters;
mod ends;
mod events;
mod healing;
mod idempotency;
mod leaving;
mod logged;
mod looking;
mod messages;
mod nonsense;
mod presence;
mod queue_updates;
mod rce_faults;
mod rce_limits;
mod shared_url;
mod story;
mod takeover;
mod timers;
