use handover_core::ids::Ids;
use handover_core::ports::Clock as _;
use ulid::Ulid;

use crate::SystemClock;

/// ULIDs: sortable by time, 80 random bits.
#[derive(Clone, Copy, Debug)]
pub struct RandomIds;

impl Ids for RandomIds {
    fn next(&self) -> String {
        let mut random = [0; 16];
        getrandom::fill(&mut random).expect("the operating system gives random bytes");
        let millis = u64::try_from(SystemClock.now().as_millisecond()).unwrap_or(0);
        Ulid::from_parts(millis, u128::from_be_bytes(random)).to_string()
    }
}
