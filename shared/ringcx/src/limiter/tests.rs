use super::*;
use proptest::prelude::*;

const HOST: &str = "shop.api.engagement.dimelo.com";

fn start() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn seconds(seconds: u64) -> Timestamp {
    start() + Duration::from_secs(seconds)
}

#[test]
fn br_065_the_place_after_the_last_is_free_once_the_first_has_left_the_window() {
    let budget = RestBudget::new();
    assert_eq!(budget.try_take(HOST, 2, seconds(0)), Ok(()));
    assert_eq!(budget.try_take(HOST, 2, seconds(10)), Ok(()));
    let wait = budget.try_take(HOST, 2, seconds(20)).unwrap_err();
    assert_eq!(wait, Duration::from_millis(40_001));
    assert_eq!(budget.try_take(HOST, 2, seconds(20) + wait), Ok(()));
    assert!(budget.try_take(HOST, 2, seconds(61)).is_err());
    assert_eq!(budget.try_take("other.test", 2, seconds(20)), Ok(()));
}

#[test]
fn br_065_the_smallest_limit_of_a_host_counts_for_all_its_connections() {
    let budget = RestBudget::new();
    for second in 0..3 {
        assert_eq!(budget.try_take(HOST, 100, seconds(second)), Ok(()));
    }
    let wait = budget.try_take(HOST, 2, seconds(4)).unwrap_err();
    assert_eq!(wait, Duration::from_millis(57_001), "two of the three must leave");
    assert!(
        budget.try_take(HOST, 100, seconds(5)).is_err(),
        "known from now on"
    );
    assert_eq!(budget.try_take(HOST, 100, seconds(5 + 3700)), Ok(()));
    assert_eq!(budget.try_take(HOST, 100, seconds(6 + 3700)), Ok(()));
    assert_eq!(
        budget.try_take(HOST, 100, seconds(7 + 3700)),
        Ok(()),
        "forgotten with the connection"
    );
}

#[test]
fn a_limit_of_zero_is_one() {
    let budget = RestBudget::new();
    assert_eq!(budget.try_take(HOST, 0, seconds(0)), Ok(()));
    assert!(budget.try_take(HOST, 0, seconds(1)).is_err());
}

#[test]
fn br_065_pauses_grow_until_something_succeeds() {
    let budget = RestBudget::new();
    let mut now = start();
    let mut waits = Vec::new();
    for _ in 0..6 {
        let wait = budget.limited(HOST, None, now);
        assert_eq!(budget.try_take(HOST, 100, now), Err(wait));
        now += wait;
        waits.push(wait.as_secs());
    }
    assert_eq!(waits, [5, 10, 20, 40, 60, 60]);
    assert_eq!(budget.try_take(HOST, 100, now), Ok(()));
    budget.succeeded(HOST);
    assert_eq!(budget.limited(HOST, None, now), Duration::from_secs(5));
}

#[test]
fn br_065_refusals_of_requests_under_way_together_are_one() {
    let budget = RestBudget::new();
    for _ in 0..5 {
        assert_eq!(budget.limited(HOST, None, start()), Duration::from_secs(5));
    }
}

#[test]
fn br_065_what_rce_asks_for_is_honoured() {
    let budget = RestBudget::new();
    let asked = Duration::from_secs(17);
    assert_eq!(budget.limited(HOST, Some(asked), start()), asked);
    assert_eq!(
        budget.try_take(HOST, 100, seconds(16)),
        Err(Duration::from_secs(1))
    );
    assert_eq!(budget.try_take(HOST, 100, seconds(17)), Ok(()));
    budget.pause(HOST, seconds(30));
    budget.pause(HOST, seconds(20));
    assert_eq!(
        budget.try_take(HOST, 100, seconds(20)),
        Err(Duration::from_secs(10))
    );
    let forever = Duration::from_secs(1_000_000_000);
    assert_eq!(
        budget.limited(HOST, Some(forever), start()),
        Duration::from_hours(1)
    );
}

#[test]
fn a_clock_that_is_set_back_blocks_for_a_window_at_most() {
    let budget = RestBudget::new();
    assert_eq!(budget.try_take(HOST, 1, seconds(7200)), Ok(()));
    let wait = budget.try_take(HOST, 1, seconds(0)).unwrap_err();
    assert!(wait <= WINDOW + MARGIN);
    assert_eq!(budget.try_take(HOST, 1, seconds(61)), Ok(()));
}

proptest! {
    #[test]
    fn br_065_never_more_than_the_limit_in_any_minute(
        limit in 1_u32..20,
        steps in proptest::collection::vec(0_u64..8_000, 1..400),
    ) {
        let budget = RestBudget::new();
        let mut now = start();
        let mut taken: Vec<Timestamp> = Vec::new();
        for step in steps {
            now += Duration::from_millis(step);
            match budget.try_take(HOST, limit, now) {
                Ok(()) => taken.push(now),
                Err(wait) => {
                    prop_assert!(wait <= WINDOW + MARGIN);
                    prop_assert_eq!(budget.try_take(HOST, limit, now + wait), Ok(()), "the promised place");
                    now += wait;
                    taken.push(now);
                }
            }
        }
        for (index, first) in taken.iter().enumerate() {
            let in_window = taken[index..].iter().filter(|at| since(*first, **at) <= WINDOW).count();
            prop_assert!(in_window <= limit as usize, "{in_window} of {limit}");
        }
    }
}
