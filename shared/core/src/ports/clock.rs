use crate::Timestamp;

/// The time. The one door through which it comes in.
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
}
