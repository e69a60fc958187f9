use handover_core::Timestamp;
use handover_core::ports::Clock;

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one door through which time comes in"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
