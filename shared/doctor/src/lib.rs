//! Whether a connection works, from end to end: what is wrong, why it matters, how to mend it.
//!
//! [`examine`] reads everything once ([`mod@observe`]) and judges what it saw ([`mod@judge`]). Judging is pure: what a check
//! says of a fact is decided without asking anybody, so each check is tested both ways.
//!
//! | module | owns |
//! |---|---|
//! | [`check`] | a check, its outcome, and all of them together |
//! | [`catalogue`] | which checks there are, and why each matters |
//! | [`facts`] | what was seen |
//! | [`mod@observe`] | seeing it: RCE's console, our own addresses, the bot, the store |
//! | [`mod@judge`] | what it means |
//!
//! Nothing is changed but two things that change nothing: the bot's face is announced with the same body as ever, and
//! an active webhook is saved as it is, which makes RCE validate it. Each can be left out.

pub mod catalogue;
pub mod check;
pub mod facts;
pub mod judge;
pub mod observe;

pub use check::{Check, Report, Status};
pub use judge::judge;
pub use observe::{Instruments, Patient};

/// Reads everything about one connection, and judges it.
pub async fn examine(patient: &Patient, instruments: &Instruments) -> Report {
    let facts = observe::observe(patient, instruments).await;
    Report {
        at: facts.at,
        connection: patient.connection.id.clone(),
        rest_calls: facts.rest_calls,
        checks: judge(&patient.connection, &patient.neighbours, &facts),
    }
}
